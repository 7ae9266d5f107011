"""Examines the portal itself: its settings, its database, and what runs beside it. No platform is asked."""

from urllib.parse import urlsplit

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from portal import health
from portal.database import db
from portal.elements.addresses import is_local, plain_host
from portal.elements.doctor.examination import PROBLEM, SKIPPED, WAITS, WARNING, Advice, Examination
from portal.files import open_to_all, sqlite_file
from portal.models import Account, Identity
from portal.text import username_key

FILES = ("", "-wal", "-shm", "-jobs")  # endings of what lies beside a SQLite database
MOST_USERNAMES = 5  # told
MOST_TOKENS = 500  # stored tokens tried, the oldest first: a key that was dropped too early shows there
MOST_WITHOUT_KEY = 500  # accounts looked at


class Installation(Examination):
    """What all elements stand on.

    :param forwarded: the addresses in the `X-Forwarded-For` of the request under way; `None` outside of one.
    """

    checks = {
        "address": _("Public address"),
        "proxy": _("Proxy in front"),
        "database": _("Database"),
        "keys": _("Encryption keys"),
        "worker": _("Worker"),
        "usernames": _("Usernames"),
        "files": _("Files"),
    }
    advice = {
        "waits": WAITS,
        "address_local": Advice(
            PROBLEM,
            _("PORTAL_BASE_URL is %(base)s: nobody outside this machine can sign in."),
            _("Set PORTAL_BASE_URL to the address people use, with https."),
        ),
        "address_insecure": Advice(
            PROBLEM,
            _("PORTAL_BASE_URL is %(base)s: without https, sign-ins can be read and taken over on the way."),
            _("Put a proxy that speaks https in front, and set PORTAL_BASE_URL to its address."),
        ),
        "proxy_unseen": Advice(
            SKIPPED,
            _("The headers of a proxy can be seen from a request only."),
            _("Open the page Elements in the browser; it looks at its own request."),
        ),
        "proxy_unexpected": Advice(
            PROBLEM,
            _("X-Forwarded-For arrives, but PORTAL_TRUSTED_PROXIES is 0: all visitors seem to have one address."),
            _("Set PORTAL_TRUSTED_PROXIES to the number of proxies in front, and restart the portal."),
        ),
        "proxy_missing": Advice(
            PROBLEM,
            _("PORTAL_TRUSTED_PROXIES is %(wanted)s, but this request's X-Forwarded-For names %(seen)s."),
            _("Let each proxy add to X-Forwarded-For, or lower the number; then restart the portal."),
        ),
        "database_down": Advice(
            PROBLEM,
            _("The database cannot be used: %(said)s"),
            _("See that it runs, that PORTAL_DATABASE_URL is right, and that the portal may read and write it."),
        ),
        "database_full": Advice(
            PROBLEM,
            _("The disk of the database is full: %(said)s"),
            _("Make room on that disk; the portal goes on by itself."),
        ),
        "database_read_only": Advice(
            PROBLEM,
            _("The database can only be read: %(said)s"),
            _("SQLite: give file and folder to the portal's user. PostgreSQL: lead to the server that writes."),
        ),
        "database_empty": Advice(
            PROBLEM,
            _("The database has no tables, or not all of them: %(said)s"),
            _("Run: flask db upgrade"),
        ),
        "database_old": Advice(
            PROBLEM,
            _("The database has other tables than this version needs."),
            _("Run: flask db upgrade"),
        ),
        "keys_lost": Advice(
            WARNING,
            _("No key opens the kept tokens of %(people)s people."),
            _("Put the earlier key back at the end of PORTAL_ENCRYPTION_KEYS, or let these people sign in again."),
        ),
        "worker_missing": Advice(
            WARNING,
            _("No worker has been seen within a minute: the directory is not synced."),
            _("Run the worker beside the portal: flask worker"),
        ),
        "usernames_alike": Advice(
            WARNING,
            _("Accounts have usernames that differ from another one's by case alone: %(names)s."),
            _("Give each a username of its own on the page Accounts."),
        ),
        "files_open": Advice(
            WARNING,
            _("Every user of this machine may read %(files)s."),
            _("Let only the portal's own user read them: chmod 600 these files, and chmod 700 their folder."),
        ),
    }
    stopping = ("database_down", "database_full", "database_read_only", "database_empty", "database_old")
    needing = ("keys", "worker", "usernames")

    def __init__(self, forwarded: list[str] | None = None):
        self.config, self.forwarded = current_app.config, forwarded

    def address(self):
        base = self.config["PORTAL_BASE_URL"]
        local, parts = self.config["PORTAL_ENV"] != "production", urlsplit(base)
        if is_local(plain_host(parts.hostname)):
            if not local:
                yield self.finding("address_local", base=base)
        elif parts.scheme != "https":
            yield self.finding("address_insecure", base=base)

    def proxy(self):
        """What the request says, and what earlier ones have said to this process."""
        wanted, seen = self.config["PORTAL_TRUSTED_PROXIES"], self.forwarded
        if seen is None:
            yield self.finding("proxy_unseen")
        elif wanted == 0 and (seen or current_app.extensions.get("proxy_warned")):
            yield self.finding("proxy_unexpected")
        elif len(seen) < wanted:
            yield self.finding("proxy_missing", wanted=wanted, seen=len(seen))

    def database(self):
        problem = health.database_problem()
        if problem:
            name, said = problem
            yield self.finding(name, said=said)

    def keys(self):
        """The apps' own tokens don't matter here: one that no key opens is fetched anew."""
        columns = (Identity.access_token, Identity.refresh_token)
        kept = or_(*(column.is_not(None) for column in columns))
        rows = db.session.execute(select(Identity.id, *columns).where(kept).order_by(Identity.id).limit(MOST_TOKENS))
        lost = sum(row.access_token is None for row in rows)
        if lost:
            yield self.finding("keys_lost", people=lost)

    def worker(self):
        if not self.config["PORTAL_SYNC_EVERY"]:
            return
        if not health.worker_is_alive():
            yield self.finding("worker_missing")

    def usernames(self):
        """An earlier version let them differ from another account's by case alone."""
        rows = select(Account.username).where(Account.username_key.is_(None)).order_by(Account.id)
        keys = {name: username_key(name) for name in db.session.scalars(rows.limit(MOST_WITHOUT_KEY))}
        held = set(db.session.scalars(select(Account.username_key).where(Account.username_key.in_(keys.values()))))
        if names := [name for name, key in keys.items() if key in held]:
            yield self.finding("usernames_alike", names=", ".join(names[:MOST_USERNAMES]))

    def files(self):
        """What lies in a folder of the operator's choice; our own is closed at every start."""
        database = sqlite_file(self.config["PORTAL_DATABASE_URL"], current_app.instance_path)
        open_ones = [f"{database}{end}" for end in FILES if open_to_all(f"{database}{end}")] if database else []
        if open_ones:
            yield self.finding("files_open", files=", ".join(open_ones))
