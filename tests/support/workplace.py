"""A service of a company, as far as a sign-in leads to it: a page that says "Work"."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.authority import Authority, serve_https


class WorkPage(BaseHTTPRequestHandler):
    def do_GET(self):
        page = b"<!doctype html><title>Work</title><link rel=icon href=data:,><h1>Work</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *args):
        pass


@contextmanager
def run_workplace(folder):
    """Serve the page over https, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), WorkPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with serve_https(server.server_port, Authority(folder).certify()) as address:
            yield f"{address}/desk"
        server.shutdown()
