"""Jobs as the queue holds them, which is JSON.

Huey's own messages are pickles, so everything that may write to the queue could run code in the worker.
"""

import json
import logging
import time
from datetime import datetime

from huey import RedisHuey, SqliteHuey
from huey.api import Task
from huey.registry import Message
from huey.serializer import Serializer

from portal.logs import log_event
from portal.text import is_clean

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 4096  # bytes
SILENCE_PAUSE = 5.0  # seconds after which a queue that does not answer is asked again


class JobSerializer(Serializer):
    """Writes a job as a list of texts.

    They are its id, its name and its arguments.
    """

    def serialize(self, data: Message) -> bytes:
        return json.dumps([data.id, data.name, *data.args]).encode()

    def deserialize(self, data: bytes) -> Message:
        """Return the message.

        :raises ValueError: when it is not one of ours.
        """
        texts = json.loads(data) if len(data) <= LONGEST_MESSAGE else None
        if not isinstance(texts, list) or len(texts) < 2 or not all(map(is_clean, texts)):
            raise ValueError("a job is a short list of texts")
        id, name, *args = texts
        return Message(id, name, retries=0, retry_delay=0, args=args, kwargs={})


class PlainJobs:
    """A queue that runs our own jobs once, at once."""

    def enqueue(self, task: Task) -> object:
        """Add a job, or log that the queue is silent.

        A job that gets lost is no harm, as a worker finds its run in the database a minute later.
        """
        try:
            return super().enqueue(task)
        except Exception as error:  # of the queue's own kinds
            log_silence(error)
            return None

    def dequeue(self) -> Task | None:
        """Return the next job and drop foreign messages before it."""
        while (data := self.take_message()) is not None:
            try:
                task = self.deserialize_task(data)
                if len(task.args) != getattr(task, "takes", 0):
                    raise ValueError("a job of ours has as many texts as its function takes")
                return task
            except Exception as error:  # its text would quote the message
                log_event(log, logging.WARNING, "foreign_job", error=type(error).__name__)
        return None

    def take_message(self) -> bytes | None:
        """Take the oldest message out of the queue.

        `None` means that there is none, or that the queue does not answer.
        """
        try:
            return self.storage.dequeue()
        except Exception as error:  # of the queue's own kinds
            log_silence(error)
            time.sleep(SILENCE_PAUSE)
            return None

    def read_schedule(self, timestamp: datetime | None = None) -> list:
        """Return nothing, as no job of ours is put off."""
        return []

    def is_revoked(self, task: Task, timestamp: datetime | None = None, peek: bool = True) -> bool:
        """Return false, as no job of ours is called back."""
        return False


def log_silence(error: Exception) -> None:
    """Log in one line that the queue does not answer."""
    log_event(log, logging.WARNING, "queue_silent", error=type(error).__name__)


class SqliteJobs(PlainJobs, SqliteHuey):
    """The queue in a file."""


class RedisJobs(PlainJobs, RedisHuey):
    """The queue in Redis."""
