"""A pause in the calls to a failing platform."""

import threading
import time

from portal.providers.causes import PlatformPaused

FAILURES, PAUSE = 5, 15.0  # after so many failures in a row no call is made for so many seconds


class Breaker:
    """Counts the failures of one address in a row.

    All threads of this process share it.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._failures, self._cause = 0, ""
        self._paused_until = 0.0

    def check(self) -> None:
        """Allow a call unless the platform is paused.

        :raises PlatformPaused: with the cause of the last failure.
        """
        with self._lock:
            moment = time.monotonic()
            if moment < self._paused_until:
                raise PlatformPaused(self._cause)
            if self._failures >= FAILURES:  # the pause is over: one call may try, the others wait on
                self._paused_until = moment + PAUSE

    def note(self, failed: bool, cause: str = "") -> None:
        """Count the outcome of a call."""
        with self._lock:
            self._cause = cause
            self._failures = self._failures + 1 if failed else 0
            self._paused_until = time.monotonic() + PAUSE if self._failures >= FAILURES else 0.0
