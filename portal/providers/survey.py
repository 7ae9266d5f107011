"""The calls that read a whole directory.

They are paced, tried again, and made by several threads.
"""

import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import current_app

from portal.errors import FAULT, NOT_ALLOWED, NOT_FOUND, NOT_PERMITTED, UNAVAILABLE, Code
from portal.providers import http
from portal.providers.client import AnswerAboutAnother, PlatformBusy

MOST_TRIES = 3  # of one page
LONGEST_WAIT = 60  # seconds
CALL_SECONDS, CALL_SIZE = 60, 64 * 1024 * 1024  # WeCom's list of a department's members has no pages
MOST_PAGES_WAITING = 128  # for the thread that takes them
WINDOW_MARGIN = 1.02  # the platform's clock may run a little slower than ours
DONE = object()


class SurveyStopped(Exception):
    """The task has ended meanwhile."""


class Pace:
    """Keeps calls within the platform's limits.

    A platform may count a call at any moment between its leaving and its answer. So a call counts here until the
    limit's time has passed since its answer.

    :param limits: pairs of calls and seconds; without any, calls wait only while the platform asks for that.
    """

    def __init__(self, limits: Iterable[tuple[int, float]]):
        self._limits = tuple(limits)
        self._answered = deque(maxlen=max((most for most, _ in self._limits), default=0))  # moments
        self._under_way = 0
        self._changed = threading.Condition()
        self._paused_until = 0.0

    def call(self, send: Callable) -> Any:
        """Return what `send` returns, called when the limits allow it."""
        self._wait_for_turn()
        try:
            return send()
        finally:
            self._note_answer()

    def forget_calls(self) -> None:
        """Start counting anew, for calls of another kind.

        The platform counts each kind of call by itself.
        """
        with self._changed:
            self._answered.clear()

    def pause(self, seconds: float) -> None:
        """Hold back all calls for some time."""
        with self._changed:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _wait_for_turn(self) -> None:
        with self._changed:
            while (wait := self._calculate_wait(time.monotonic())) > 0:
                self._changed.wait(wait)
            self._under_way += 1

    def _calculate_wait(self, moment: float) -> float:
        """Return the seconds until the limits allow a call."""
        waits = (self._calculate_wait_of(limit, moment) for limit in self._limits)
        return max(self._paused_until - moment, *waits, 0.0)

    def _calculate_wait_of(self, limit: tuple[int, float], moment: float) -> float:
        most, seconds = limit
        others = most - self._under_way  # answered calls of which one has to be old enough
        if others <= 0:
            return seconds
        return self._answered[-others] + seconds * WINDOW_MARGIN - moment if len(self._answered) >= others else 0.0

    def _note_answer(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._answered.append(time.monotonic())
            if not self._under_way:
                self._changed.notify_all()


class PacedCaller:
    """Makes the calls of a long task, each several times.

    :param pace: shared by all threads of the task.
    :param stopped: set when the task is over; nothing is sent after that.
    """

    def __init__(self, pace: Pace, stopped: threading.Event):
        self.pace, self.stopped = pace, stopped

    def __call__(self, send: Callable):
        """Return what `send` returns, after at most three tries.

        :raises Code: of the last try.
        :raises SurveyStopped: when the task is over.
        """
        for tries_left in reversed(range(MOST_TRIES)):
            if self.stopped.is_set():
                raise SurveyStopped()
            try:
                with http.deadline(CALL_SECONDS, CALL_SIZE):
                    return self.pace.call(send)
            except Code as error:
                if error.code != UNAVAILABLE or isinstance(error, AnswerAboutAnother) or not tries_left:
                    raise
                wait = min(LONGEST_WAIT, calculate_wait(error, MOST_TRIES - 1 - tries_left))
                if isinstance(error, PlatformBusy):
                    self.pace.pause(wait)
                self.stopped.wait(wait)


def call_once(send: Callable) -> Any:
    """Make one call without pacing or a second try."""
    return send()


def calculate_wait(error: Code, waits_before: int) -> float:
    """Return the seconds to wait before the next try.

    The platform's own wish counts; without one, each wait is twice as long as the one before. A random share keeps
    threads from going on all at once.
    """
    wish, usual = (error.told, error.usual) if isinstance(error, PlatformBusy) else (None, 1)
    return (usual * 2**waits_before if wish is None else wish) * random.uniform(1.0, 1.2)


def is_refusal(error: Code) -> bool:
    """Return whether a later try would not help."""
    return error.code in (NOT_PERMITTED, NOT_FOUND, NOT_ALLOWED, FAULT) or error.native == "HTTP 404"


def read_in_threads(
    tasks: Iterable, read: Callable, threads: int, stopped: threading.Event, beat: Callable[[], None]
) -> Iterator:
    """Yield what `read(task)` yields for each task, in any order.

    :param stopped: set when nothing more is wanted.
    :param beat: called at least once a second.
    """
    app = current_app._get_current_object()
    waiting, results = queue.SimpleQueue(), queue.Queue(maxsize=MOST_PAGES_WAITING)
    for task in tasks:
        waiting.put(task)

    def put(item):
        while not stopped.is_set():
            try:
                return results.put(item, timeout=1)
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
    threads_left = threads
    while threads_left:
        try:
            item = results.get(timeout=1)
        except queue.Empty:
            beat()
            continue
        beat()
        if isinstance(item, BaseException):
            raise item
        if item is DONE:
            threads_left -= 1
        else:
            yield item
