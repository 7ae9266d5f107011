"""A forward proxy that records its requests.

For http it records whole addresses, for https host and port.
"""

import socket
import threading
from contextlib import contextmanager, suppress

from support.authority import relay


class ForwardProxy:
    """A running proxy.

    `asked` holds the first line of every request.

    :param tunnels: ports of this machine to which tunnels to other hosts lead.
    """

    def __init__(self, server, tunnels=()):
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        self.server, self.asked, self.tunnels = server, [], dict(tunnels)

    def run(self):
        with suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.server.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            line = stream.readline().decode()
            self.asked.append(line.strip())
            method, target, _ = line.split()
            headers = b"".join(iter(stream.readline, b"\r\n"))
            if method == "CONNECT":
                self.tunnel(connection, target)
            else:
                self.pass_on(connection, stream, line, headers)

    def tunnel(self, connection, target):
        host, _, port = target.rpartition(":")
        if target in self.tunnels:
            host, port = "127.0.0.1", self.tunnels[target]
        with socket.create_connection((host, int(port))) as back:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            relay(connection, back)

    def pass_on(self, connection, stream, line, headers):
        """Pass one request on and its answer back.

        The connection ends with the answer.
        """
        method, target, version = line.split()
        host, _, path = target.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        fields = {key.lower(): value.strip() for key, _, value in (row.partition(b":") for row in headers.splitlines())}
        body = stream.read(int(fields.get(b"content-length", 0)))
        with socket.create_connection((name, int(port))) as back:
            first = f"{method} /{path} {version}\r\nConnection: close\r\n".encode()
            kept = b"".join(row + b"\r\n" for row in headers.splitlines() if not row.lower().startswith(b"connection"))
            back.sendall(first + kept + b"\r\n" + body)
            status, _, rest = b"".join(iter(lambda: back.recv(65536), b"")).partition(b"\r\n")
            connection.sendall(status + b"\r\nConnection: close\r\n" + rest)


@contextmanager
def run_forward_proxy(tunnels=()):
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = ForwardProxy(server, tunnels)
        thread = threading.Thread(target=proxy.run, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
