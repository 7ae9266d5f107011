"""The sandbox as a process.

It has a thread for each connection and listens on this machine only.
"""

import itertools
import os
import signal
import sys
import threading
from contextlib import suppress
from io import BytesIO

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox import create_app
from sandbox.world import Portal

HOST = "127.0.0.1"


class Handler(WSGIRequestHandler):
    """A connection that is kept open and has a number.

    The numbers serve to count a client's connections. Headers and body leave in one packet without Nagle's delay.
    Werkzeug's own handler closes after each answer.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # collect an answer's pieces until flush()
    numbers = itertools.count(1)

    def setup(self):
        super().setup()
        self.number = next(self.numbers)

    def finish(self):
        with suppress(ConnectionError):  # the client, or the knob `drop`, went first
            super().finish()

    def make_environ(self):
        environ = super().make_environ()
        length = int(environ.get("CONTENT_LENGTH") or 0)
        chunked = environ.pop("wsgi.input_terminated", False)
        body = self.rfile.read(length) if not chunked else environ["wsgi.input"].read()
        environ.update({"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))})
        return environ | {"sandbox.connection": self.number}

    def run_wsgi(self):
        answer = []
        chunks = self.server.app(self.make_environ(), lambda *words: answer.extend(words[:2]))
        try:
            status, headers = answer
            number, _, reason = status.partition(" ")
            self.send_response_only(int(number), reason)
            if "Date" not in dict(headers):
                self.send_header("Date", self.date_time_string(self.server.app.extensions["sandbox"].now()))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            for chunk in chunks:
                self.wfile.write(chunk)
                self.wfile.flush()
            self.wfile.flush()
        finally:
            chunks.close()

    def log_request(self, code="-", size="-"):
        """Log nothing, because /_sandbox/calls has it all."""


def serve(port=8100, people=0, departments=0, stop_with_stdin=False, portal=None):
    """Serve until SIGINT or SIGTERM.

    :param port: 0 picks a free one; the line printed at the start tells it.
    :param stop_with_stdin: whether to end also when standard input closes.
    :param portal: the `world.Portal` the pages lead to.
    """
    app = create_app(people, departments, portal)
    server = make_server(HOST, port, app, threaded=True, request_handler=Handler)
    if stop_with_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    run_server(server, "Pretend Feishu and WeCom")


def run_server(server, title):
    """Tell where a server listens, and serve until SIGINT or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    click.echo(f"{title}: http://{HOST}:{server.server_port}/")
    sys.stdout.flush()
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass


def end_with_stdin():
    """End the process when standard input closes."""
    while os.read(0, 1024):  # not sys.stdin: its lock would be held when the interpreter ends
        pass
    os._exit(0)


@click.command("sandbox")
@click.option("--port", default=8100, show_default=True, help="Port on 127.0.0.1; 0 picks a free one.")
@click.option("--people", default=0, help="How many more people to make up.")
@click.option("--departments", default=0, help="How many more departments to make up.")
@click.option("--stop-with-stdin", is_flag=True, help="End when standard input closes.")
@click.option(
    "--portal", default=Portal.url, envvar="PORTAL_BASE_URL", show_default=True, help="The portal to try out."
)
@click.option("--feishu-element", multiple=True, default=Portal.feishu, show_default=True, help="A Feishu login there.")
@click.option("--wecom-element", multiple=True, default=Portal.wecom, show_default=True, help="A WeCom login there.")
def command(port, people, departments, stop_with_stdin, portal, feishu_element, wecom_element):
    """Run the pretend Feishu and WeCom."""
    serve(port, people, departments, stop_with_stdin, Portal(portal, feishu_element, wecom_element))
