"""An application that answers with the request it has received."""

import base64
import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
PAGE = "<!doctype html><title>Echo</title><link rel=icon href=data:,>"
FORM = f'{PAGE}<form method="post"><input name="text"><button>Send</button></form>'


class EchoServer(ThreadingHTTPServer):
    """A server that expects proxies to drop their connections."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class EchoApplication:
    """A server in a thread.

    `requests` are those that have arrived, as pairs of method and path.
    """

    def __init__(self):
        self.requests = []
        self.server = EchoServer(("127.0.0.1", 0), Handler)
        self.server.application = self
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def count(self, method, path):
        return self.requests.count((method, path))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers JSON, a form below /form, or the messages of a WebSocket."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.application.requests.append((self.command, self.path))
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self.talk()
        request = {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body.decode()}
        kind, text = "application/json", json.dumps(request)
        if self.path.startswith("/form"):
            kind = "text/html"
            text = FORM if self.command == "GET" else f"{PAGE}<p>{body.decode()}</p>"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def talk(self):
        """Send back short messages of a WebSocket until it ends."""
        key = self.headers["Sec-WebSocket-Key"] + WEBSOCKET
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while len(head := self.rfile.read(2)) == 2:
            length = head[1] & 0x7F  # below 126
            mask, masked = self.rfile.read(4), self.rfile.read(length)
            payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
            self.wfile.write(bytes([head[0], length]) + payload)
            if head[0] & 0x0F == 8:  # the closing of both sides
                return
