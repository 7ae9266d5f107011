"""Jobs as they lie in the queue: JSON, which can only be read.

Huey's own messages are pickles: whoever may write to the queue could run code in the worker.
"""

import json
import logging

from huey import RedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

log = logging.getLogger(__name__)


class JobSerializer(Serializer):
    """Writes a job as a list of texts: its id, its name and its arguments."""

    def serialize(self, data: Message) -> bytes:
        return json.dumps([data.id, data.name, *data.args]).encode()

    def deserialize(self, data: bytes) -> Message:
        """Return the message.

        :raises ValueError: when it is none of ours.
        """
        found = json.loads(data)
        if not isinstance(found, list) or len(found) < 2 or not all(isinstance(part, str) for part in found):
            raise ValueError("a job is a list of texts")
        id, name, *args = found
        return Message(id, name, retries=0, retry_delay=0, args=args, kwargs={})


class PlainJobs:
    """A queue whose jobs run once, at once, and never from anything but our own messages."""

    def dequeue(self):
        """Return the next job; foreign messages before it are dropped."""
        while (data := self.storage.dequeue()) is not None:
            try:
                return self.deserialize_task(data)
            except Exception as error:  # its text would quote what a stranger has written
                log.warning("a foreign message in the job queue is dropped (%s)", type(error).__name__)

    def read_schedule(self, timestamp=None):
        """Return nothing: no job of ours is put off."""
        return []

    def is_revoked(self, task, timestamp=None, peek=True):
        """Return false: no job of ours is called back."""
        return False


class SqliteJobs(PlainJobs, SqliteHuey):
    """The queue in a file."""


class RedisJobs(PlainJobs, RedisHuey):
    """The queue in Redis."""
