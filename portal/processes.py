"""Programs that end when their starter ends.

A watchdog holds the numbers of their process groups. It reads them from a pipe, which breaks off when the starter has
ended: also when it was killed, on every Unix.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

GRACE = 8.0  # seconds to end by themselves; gunicorn gives its requests five
LAST = 5.0  # seconds after being killed


class Programs:
    """Python modules run as programs, and their watchdog."""

    def __init__(self):
        self.started: list[subprocess.Popen] = []
        # In a session of its own: no signal for the starter's group ends it. Isolated: it needs nothing of ours.
        command = [sys.executable, "-I", __file__]
        self.watchdog = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, text=True)

    def start(self, module: str, *words: str) -> None:
        program = subprocess.Popen([sys.executable, "-m", module, *words], start_new_session=True)
        self.started.append(program)
        print(program.pid, file=self.watchdog.stdin, flush=True)

    def all_run(self) -> bool:
        """Return whether every program still runs."""
        return all(program.poll() is None for program in self.started)

    def end(self) -> None:
        """End all, and wait until they have."""
        with suppress(BrokenPipeError):
            self.watchdog.stdin.close()
        while self.watchdog.poll() is None:
            self.all_run()  # takes note of those that have ended
            time.sleep(0.02)


def end_groups(groups: list[int]) -> None:
    """End process groups, by force after a while."""
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, LAST)):
        until = time.monotonic() + seconds
        groups = [group for group in groups if reach(group, number)]
        while groups and time.monotonic() < until:
            time.sleep(0.02)
            groups = [group for group in groups if reach(group, 0)]


def reach(group: int, number: int) -> bool:
    """Send a signal to a process group.

    :return: whether a process of it is left.
    """
    try:
        os.killpg(group, number)
        return True
    except (ProcessLookupError, PermissionError):  # PermissionError: macOS, of a group that has ended
        return False


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end_groups([int(line) for line in sys.stdin])
