"""One deadline for a task's calls, and bounded answers."""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import client
from typing import Any

import requests
import urllib3
import urllib3.connection

CONNECT, READ = 2.0, 4.0  # seconds, each at most what is left until the deadline


@dataclass(frozen=True)
class Limits:
    """The limits of one task's calls.

    :param seconds: how long all its calls may take together.
    :param size: how large one answer may be, in bytes.
    :param ends_at: the deadline, on the monotonic clock.
    """

    seconds: float = 8.0
    size: int = 256 * 1024
    ends_at: float = 0.0

    @property
    def seconds_left(self) -> float:
        return self.ends_at - time.monotonic()


_limits: ContextVar[Limits | None] = ContextVar("limits", default=None)


def current_limits() -> Limits:
    """Return the limits of the current task.

    Only inside `deadline()` is there one.
    """
    return _limits.get()


def get_time_left() -> float:
    """Return how many seconds the current task has left."""
    limits = _limits.get()
    return Limits.seconds if limits is None else limits.seconds_left


@contextmanager
def deadline(seconds: float = Limits.seconds, size: int = Limits.size) -> Iterator[None]:
    """Set one deadline for all platform calls inside the block.

    Inside another deadline it has no effect.

    :param size: bytes that one answer may have.
    """
    if _limits.get() is not None:
        yield
        return
    token = _limits.set(Limits(seconds, size, time.monotonic() + seconds))
    try:
        yield
    finally:
        _limits.reset(token)


class BoundedFile(io.RawIOBase):
    """A socket's stream that ends at the task's deadline.

    Every piece has to arrive before it, pieces of the headers too.
    """

    def __init__(self, sock: socket.socket):
        self.sock, self.file = sock, sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:
        left = get_time_left()
        if left <= 0:
            raise TimeoutError("no time left for the answer")
        self.sock.settimeout(min(READ, left))
        return self.file.readinto(buffer)

    def close(self) -> None:
        self.file.close()
        super().close()


class BoundedResponse(client.HTTPResponse):
    """A response that ends at the task's deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any):
        self.sock = sock
        super().__init__(self, *args, **kwargs)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(BoundedFile(self.sock))


class Pool(urllib3.HTTPConnectionPool):
    class ConnectionCls(urllib3.connection.HTTPConnection):
        response_class = BoundedResponse


class SecurePool(urllib3.HTTPSConnectionPool):
    class ConnectionCls(urllib3.connection.HTTPSConnection):
        response_class = BoundedResponse


POOLS = {"http": Pool, "https": SecurePool}


def read_bounded(response: requests.Response, limits: Limits) -> None:
    """Read a body up to the allowed size.

    :raises requests.RequestException: without the address, which may hold a secret.
    """
    body = bytearray()
    try:
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if len(body) > limits.size:
                raise requests.exceptions.ContentDecodingError("the answer is too large")
    except requests.RequestException:
        response.raw.close()
        raise
    except Exception as error:  # urllib3's and http.client's own, with the address in their text
        response.raw.close()
        raise requests.ConnectionError(type(error).__name__) from None
    response.raw.release_conn()
    response._content, response._content_consumed = bytes(body), True
