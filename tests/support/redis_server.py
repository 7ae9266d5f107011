"""A Redis server for the tests."""

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

from support.postgres import find_free_port


class RedisServer:
    """A server that keeps nothing on disk.

    It can be stopped and started again at the same address.
    """

    def __init__(self):
        self.port = find_free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = None

    def start(self):
        if self.process is not None:
            return
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        wait_for_port(self.port, seconds=10).close()
        self.empty()

    def empty(self):
        """Delete everything."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(b"FLUSHALL\r\n")
            assert line.recv(100).startswith(b"+OK")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def kill(self):
        """End the server as a crash does."""
        self.process.kill()
        self.process.wait(10)
        self.process = None

    @contextmanager
    def paused(self):
        """Stop the server inside the block, with its connections open."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


def wait_for_port(port, seconds=60):
    """Return a connection to a server once it listens."""
    until = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            assert time.monotonic() < until, f"nothing listens on {port}"
            time.sleep(0.02)
