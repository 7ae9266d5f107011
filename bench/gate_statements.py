"""What a check and an entry send to the database: `python -m bench.gate_statements` in the environment of a portal.

It prints JSON: for each, the list of its statements as the database has seen them. SQLite tells them by itself, and
PostgreSQL by its log, which `BENCH_LOG` names.
"""

import json
import logging
import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import event
from sqlalchemy.engine import Engine
from werkzeug.test import Client

from bench import statements

HOST = "http://wiki.localhost:9000"
CHECK = "/_portal/wiki/auth-request"
ENTRY = "entry"
PAGE = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
LOGGED = re.compile(r"LOG:  (?:statement|execute [^:]+): (.*(?:\n\t.*)*)")


def ask_about(path: str, headers: str = "") -> str:
    """Return the headers by which nginx asks about a request.

    :param headers: the browser's own.
    """
    proxy = "X-Forwarded-Proto: http\r\nX-Forwarded-For: 10.0.0.1\r\n"
    return f"X-Original-URL: {HOST}{path}\r\nX-Original-Method: GET\r\n{proxy}{headers}"


class Statements:
    """The statements that the database has seen since the last look."""

    def __init__(self):
        self.log, self.read = Path(os.environ.get("BENCH_LOG", os.devnull)), 0
        event.listen(Engine, "connect", self.trace)

    def trace(self, connection, record):
        if type(connection).__module__.startswith("sqlite3"):
            statements.trace(connection, record)

    def take(self) -> list[str]:
        """Return the statements since the last look."""
        seen = list(statements.seen)
        statements.seen.clear()
        with self.log.open("rb") as log:
            log.seek(self.read)
            text = log.read()
        self.read += len(text)
        return seen + LOGGED.findall(text.decode(errors="replace"))


def trace_gate() -> dict[str, list[str]]:
    """Return the statements of an entry, and of a later check."""
    import app as portal_app

    logging.disable()
    seen, app = Statements(), portal_app.create_app()
    client, base = Client(app), app.config["PORTAL_BASE_URL"]
    at_portal = Client.get
    client.get = lambda path, **words: at_portal(client, path, **{"base_url": base, **words})
    statements.sign_in(client, "/login/Feishu", 1)
    enter(client)  # opens connections
    seen.take()
    enter(client)
    entry = seen.take()
    if ask(client, "").status_code != 200:
        sys.exit("the check does not pass")
    return {ENTRY: entry, "check": seen.take()}


def ask(client: Client, headers: str):
    """Ask as nginx does."""
    lines = ask_about("/", headers).strip().split("\r\n")
    return client.get(CHECK, base_url=HOST, headers=[line.split(": ", 1) for line in lines])


def enter(client: Client):
    """Go the whole way into the application, as a browser that has no door yet."""
    client.delete_cookie("portal_wiki", domain=urlsplit(HOST).hostname)
    answer = ask(client, PAGE)
    while answer.status_code in (303, 401) and "_portal" in answer.location or "/apps/" in answer.location:
        parts = urlsplit(answer.location)
        answer = client.get(f"{parts.path}?{parts.query}", base_url=f"{parts.scheme}://{parts.netloc}")
    if answer.status_code != 303:
        sys.exit(f"no way into the application: {answer.status_code} {answer.text[:300]}")


if __name__ == "__main__":
    print(json.dumps(trace_gate()))
