"""Reading a whole directory: what to ask for, each call paced and tried again as the platform's limits want it."""

import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable

from flask import current_app

from portal.errors import FAULT, NOT_ALLOWED, NOT_FOUND, NOT_PERMITTED, UNAVAILABLE, Code
from portal.providers import http
from portal.providers.client import Busy, OfAnother

TRIES = 3  # a page
LONGEST_WAIT = 60  # seconds
CALL_SECONDS, CALL_SIZE = 60, 64 * 1024 * 1024  # WeCom's list of a department's members has no pages
AHEAD = 128  # pages that may wait for who reads them
DONE = object()
SLACK, SURE = 1.02, 0.8  # so much longer a limit's time is taken; so much shorter where it shall surely be exceeded


def is_refusal(error: Code) -> bool:
    """Return whether the platform has said no: a later try would not help."""
    return error.code in (NOT_PERMITTED, NOT_FOUND, NOT_ALLOWED, FAULT) or error.native == "HTTP 404"


class Pace:
    """Keeps calls within the platform's limits, and lets all of them wait when it asks for that.

    A call may be counted at any moment between its leaving and its answer; so it is taken to count until the limit's
    time has passed since its answer.

    :param limits: pairs: so many calls in so many seconds.
    :param known: whether the limits are those of the address asked. Elsewhere, one call alone finds out whether a
        limit holds when it is reached; they all do once the platform has complained.
    """

    def __init__(self, limits, known: bool):
        self._holds = {limit: True if known else None for limit in limits}
        most = max(most for most, _ in limits)
        self._sent, self._answered = deque(maxlen=most), deque(maxlen=most)
        self._under_way = 0
        self._free = threading.Condition()
        self._paused_until = 0.0
        self._probing = None

    def call(self, send: Callable):
        """Return what `send` returns, sent when a call may go."""
        probed = self._turn()
        refused = None
        try:
            answer = send()
            refused = False
            return answer
        except Busy:
            refused = True
            raise
        finally:
            self._learn(probed, refused)

    def forget(self):
        """Forget the calls so far: those to come are of another kind, which the platform counts by itself."""
        with self._free:
            self._sent.clear()
            self._answered.clear()

    def pause(self, seconds: float):
        """Let no call go for so long."""
        with self._free:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _turn(self):
        """Wait for a turn; return the limit that this call alone shall try, if any."""
        with self._free:
            while True:
                moment = time.monotonic()
                tried = [limit for limit in self._holds if self._is_to_be_tried(limit, moment)]
                kept = [limit for limit, holds in self._holds.items() if holds is not False and limit not in tried]
                wait = max(self._paused_until - moment, *(self._left(limit, moment) for limit in kept), 0.0)
                if self._probing or (tried and self._under_way) or wait > 0:
                    self._free.wait(wait if wait > 0 else None)
                    continue
                self._probing = tried[0] if tried else None
                self._sent.append(moment)
                self._under_way += 1
                return self._probing

    def _left(self, limit, moment: float) -> float:
        """Return how many seconds have to pass before one more call is surely within a limit."""
        most, seconds = limit
        others = most - self._under_way  # answered calls of which one has to be old enough
        if others <= 0:
            return seconds
        return self._answered[-others] + seconds * SLACK - moment if len(self._answered) >= others else 0.0

    def _is_to_be_tried(self, limit, moment: float) -> bool:
        """Return whether it is unknown if a limit holds, and one more call would surely be beyond it."""
        most, seconds = limit
        unknown = self._holds[limit] is None and len(self._sent) >= most
        return unknown and self._sent[-most] + seconds * SURE > moment

    def _learn(self, probed, refused: bool | None):
        with self._free:
            self._under_way -= 1
            self._answered.append(time.monotonic())
            if refused:
                self._holds = dict.fromkeys(self._holds, True)
            elif probed and refused is False:
                self._holds[probed] = False
            if probed:
                self._probing = None
            if probed or not self._under_way:
                self._free.notify_all()


def straight(send: Callable):
    """Make one call of a short task: no pacing, no second try."""
    return send()


class Patient:
    """Makes the calls of a long task.

    :param pace: shared by all threads of the task.
    :param stopped: set when the task is over: then nothing is sent any more.
    """

    def __init__(self, pace: Pace, stopped: threading.Event):
        self.pace, self.stopped = pace, stopped

    def __call__(self, send: Callable):
        """Return what `send` returns, after up to three tries.

        :raises Code: of the last try.
        """
        for tries_left in reversed(range(TRIES)):
            if self.stopped.is_set():
                raise Stopped()
            try:
                with http.within(CALL_SECONDS, CALL_SIZE):
                    return self.pace.call(send)
            except Code as error:
                if error.code != UNAVAILABLE or isinstance(error, OfAnother) or not tries_left:
                    raise
                wait = min(LONGEST_WAIT, wait_after(error, TRIES - 1 - tries_left))
                if isinstance(error, Busy):
                    self.pace.pause(wait)
                self.stopped.wait(wait)


def wait_after(error: Code, waits: int) -> float:
    """Return how many seconds to wait before the next try: as told, else longer every time; never all at once.

    :param waits: how many there have been.
    """
    told, usual = (error.told, error.usual) if isinstance(error, Busy) else (None, 1)
    return (usual * 2**waits if told is None else told) * random.uniform(1.0, 1.2)


class Stopped(Exception):
    """The task has ended meanwhile."""


def gather(tasks, read: Callable, threads: int, stopped: threading.Event, beat: Callable):
    """Yield what `read(task)` yields for every task, in any order, read by several threads.

    :param stopped: set when nothing more is wanted.
    :param beat: called at least once a second.
    """
    app = current_app._get_current_object()
    waiting, found = queue.SimpleQueue(), queue.Queue(maxsize=AHEAD)
    for task in tasks:
        waiting.put(task)

    def put(item):
        while not stopped.is_set():
            try:
                return found.put(item, timeout=1)
            except queue.Full:
                pass

    def work():
        with app.app_context():
            try:
                while not stopped.is_set():
                    for item in read(waiting.get_nowait()):
                        put(item)
            except queue.Empty:
                put(DONE)
            except BaseException as error:
                put(error)

    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()
    left = threads
    while left:
        try:
            item = found.get(timeout=1)
        except queue.Empty:
            beat()
            continue
        beat()
        if isinstance(item, BaseException):
            raise item
        if item is DONE:
            left -= 1
        else:
            yield item
