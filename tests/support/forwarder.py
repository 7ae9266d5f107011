"""A TCP forwarder, as before a database with a standby."""

import contextlib
import socket
import threading


class Forwarder:
    """A forwarder of new connections to its present target.

    Open connections keep the target they have.
    """

    def __init__(self, port):
        self.target, self.sockets = port, []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listening.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.sockets += [near, far]
                for ends in ((near, far), (far, near)):
                    self.threads.append(threading.Thread(target=self.copy, args=ends, daemon=True))
                    self.threads[-1].start()

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        for one in (self.listening, *self.sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        for one in (self.listening, *self.sockets):
            one.close()
