"""A pause in the calls to a failing platform."""

import logging
import threading
import time

from portal import metrics
from portal.logs import log_event
from portal.providers.causes import PlatformPaused

log = logging.getLogger(__name__)

FAILURES, PAUSE = 5, 15.0  # after so many failures in a row no call is made for so many seconds


class Breaker:
    """Counts the failures of one address in a row.

    All threads of this process share it.

    :param address: scheme and host, for monitoring.
    """

    def __init__(self, address: str = ""):
        self.address = address
        metrics.set_breaker(address, is_open=False)
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
            was_open = self._failures >= FAILURES
            self._cause = cause
            self._failures = self._failures + 1 if failed else 0
            is_open = self._failures >= FAILURES
            self._paused_until = time.monotonic() + PAUSE if is_open else 0.0
            if is_open != was_open:
                metrics.set_breaker(self.address, is_open)
        if is_open != was_open:
            event = "platform_paused" if is_open else "platform_back"
            log_event(log, logging.WARNING, event, address=self.address)
