"""What one login sends to the database: `python -m bench.statements` in the environment of a portal.

It prints JSON: for each kind of login, the list of its statements as SQLite has seen them. SQLite is asked, and not
SQLAlchemy, so that no statement is missed whatever sends it.
"""

import json
import logging
import sys

from sqlalchemy import event
from sqlalchemy.engine import Engine
from werkzeug.test import Client

import app as portal_app
from bench.visitors import make_callback

BOUNDS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "--")  # --: a trigger's own statements
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
seen: list[str] = []


def trace(connection, record):
    connection.set_trace_callback(lambda text: seen.append(text.strip()))


def sign_in(client: Client, start: str, person: int):
    begun = client.get(start)
    ended = client.get(make_callback(begun.headers["Location"], person))
    if ended.status_code not in (302, 303):
        sys.exit(f"the login failed: {ended.status_code} {ended.text[:300]}")


def trace_logins() -> dict[str, list[str]]:
    """Return the statements of each kind of login."""
    logging.disable()
    event.listen(Engine, "connect", trace)
    app, kinds = portal_app.create_app(), {}
    base = app.config["PORTAL_BASE_URL"]

    def listen(kind: str, start: str, person: int):
        client = Client(app)
        client.get = lambda path, get=client.get: get(path, base_url=base)
        seen.clear()
        sign_in(client, start, person)
        kinds[kind] = list(seen)

    for provider in ("Feishu", "WeCom"):
        listen("warm", f"/login/{provider}", 1)  # reads the app's token, opens connections
        listen(f"first {provider} login", f"/login/{provider}", 2)
        listen(f"{provider} login", f"/login/{provider}", 2)
    del kinds["warm"]
    return kinds


def list_statements(texts: list[str]) -> list[str]:
    """Return what is neither a bound of a transaction nor a setting."""
    return [text for text in texts if not text.upper().startswith(BOUNDS)]


def count_writes(texts: list[str]) -> int:
    """Count the transactions that write.

    A write outside one is a transaction of its own.
    """
    writes, inside, wrote = 0, False, False
    for text in texts:
        word = text.upper()
        if word.startswith("BEGIN"):
            inside, wrote = True, False
        elif word.startswith(("COMMIT", "ROLLBACK")) and inside:
            writes, inside = writes + (wrote and word.startswith("COMMIT")), False
        elif word.startswith(WRITES):
            writes, wrote = writes + (not inside), True
    return writes


if __name__ == "__main__":
    print(json.dumps(trace_logins()))
