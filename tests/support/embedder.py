"""A small site around the substitute SDKs.

It has a strict content policy and an origin of its own.
"""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlencode


class Embedder:
    """A page with scripts, and the callback of its logins."""

    def __init__(self, port, sandbox):
        self.url, self.sandbox = f"http://127.0.0.1:{port}", sandbox
        self.callback = f"{self.url}/callback"
        self.scripts, self.policy = [], ""

    def embed(self, path, **sources):
        """Load this script of the sandbox under a strict policy.

        :param sources: directive, with _ for -, to the origins it allows.
        """
        self.scripts = [self.sandbox.site_url + path]
        allowed = {"default_src": "'none'", "img_src": "data:", "script_src": self.sandbox.site_url, **sources}
        self.policy = "; ".join(f"{name.replace('_', '-')} {value}" for name, value in allowed.items())

    def goto(self, path="/suite/passport/oauth/authorize", **query):
        """Return the authorize address for the QR SDK.

        To the browser the sandbox is another site.
        """
        fields = {"client_id": self.sandbox.FEISHU["app_id"], "redirect_uri": self.callback, "response_type": "code"}
        return f"{self.sandbox.site_url}{path}?{urlencode({**fields, 'state': 's1', **query})}"

    def page(self):
        scripts = "".join(f'<script src="{address}"></script>' for address in self.scripts)
        icon = '<link rel="icon" href="data:,">'
        return f'<!doctype html><title>Embedder</title>{icon}<div id="qr"></div><p id="told"></p>{scripts}'


@contextmanager
def serve_embedder(sandbox):
    """Serve a page until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = embedder.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", embedder.policy)
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        embedder = Embedder(server.server_port, sandbox)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield embedder
        finally:
            server.shutdown()
            thread.join()
