"""Examines the portal itself.

No platform is asked.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from portal import health
from portal.database import db
from portal.elements.addresses import is_local, plain_host
from portal.elements.doctor.examination import PROBLEM, SKIPPED, WAITS, WARNING, Advice, Examination, Finding
from portal.files import open_to_all, sqlite_file
from portal.models import Account, Identity
from portal.text import username_key

DATABASE_FILES = ("", "-wal", "-shm", "-jobs")  # endings of the files of a SQLite database
MOST_USERNAMES = 5  # named in a finding
MOST_TOKENS = 500  # stored tokens tried, the oldest first; they show a key that was dropped too early
MOST_WITHOUT_KEY = 500  # accounts checked


class Installation(Examination):
    """The settings, the database, and what runs beside the portal.

    :param forwarded: the addresses in the `X-Forwarded-For` of the current request; `None` outside a request.
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
            _("PORTAL_BASE_URL is %(base)s. Only people on this machine can sign in."),
            _("Set PORTAL_BASE_URL to the https address that people use."),
        ),
        "address_insecure": Advice(
            PROBLEM,
            _("PORTAL_BASE_URL is %(base)s. Without https, sign-ins can be read and stolen on the way."),
            _("Run the portal behind a proxy with https, and set PORTAL_BASE_URL to its address."),
        ),
        "proxy_unseen": Advice(
            SKIPPED,
            _("The headers of a proxy can only be seen in a request."),
            _("Open the page Logins in the browser. It checks its own request."),
        ),
        "proxy_unexpected": Advice(
            PROBLEM,
            _("X-Forwarded-For arrives, but PORTAL_TRUSTED_PROXIES is 0. All visitors seem to have the same address."),
            _("Set PORTAL_TRUSTED_PROXIES to the number of proxies in front, and restart the portal."),
        ),
        "proxy_missing": Advice(
            PROBLEM,
            _(
                "PORTAL_TRUSTED_PROXIES is %(wanted)s, but the number of addresses in this request's X-Forwarded-For "
                "is %(number)s."
            ),
            _("Configure each proxy to add to X-Forwarded-For, or lower the number. Then restart the portal."),
        ),
        "database_down": Advice(
            PROBLEM,
            _("The database cannot be used: %(said)s"),
            _("Check that it runs, that PORTAL_DATABASE_URL is right, and that the portal may read and write it."),
        ),
        "database_full": Advice(
            PROBLEM,
            _("The disk of the database is full: %(said)s"),
            _("Free some space on that disk. The portal then continues by itself."),
        ),
        "database_read_only": Advice(
            PROBLEM,
            _("The database can only be read: %(said)s"),
            _(
                "SQLite: make the portal's user the owner of the file and its folder. "
                "PostgreSQL: connect to the server that accepts writes."
            ),
        ),
        "database_empty": Advice(
            PROBLEM,
            _("The database lacks tables: %(said)s"),
            _("Run: flask db upgrade"),
        ),
        "database_old": Advice(
            PROBLEM,
            _("The tables of the database are not those of this version."),
            _("Run: flask db upgrade"),
        ),
        "keys_lost": Advice(
            WARNING,
            _("The stored tokens of %(people)s people can't be decrypted."),
            _("Put the earlier key back at the end of PORTAL_ENCRYPTION_KEYS, or ask these people to sign in again."),
        ),
        "worker_missing": Advice(
            WARNING,
            _("No worker has been active within a minute. The directory is not synced."),
            _("Run the worker beside the portal: flask worker"),
        ),
        "usernames_alike": Advice(
            WARNING,
            _("Some usernames differ from another one only in case: %(names)s."),
            _("Give each of these accounts another username on the page Accounts."),
        ),
        "files_open": Advice(
            WARNING,
            _("Every user of this machine can read %(files)s."),
            _("Make them readable for the portal's user alone: chmod 600 these files, and chmod 700 their folder."),
        ),
    }
    blocking = ("database_down", "database_full", "database_read_only", "database_empty", "database_old")
    dependent = ("keys", "worker", "usernames")

    def __init__(self, forwarded: list[str] | None = None):
        self.config, self.forwarded = current_app.config, forwarded

    def check_address(self) -> Iterator[Finding]:
        """Check the address that people use."""
        base = self.config["PORTAL_BASE_URL"]
        parts = urlsplit(base)
        if is_local(plain_host(parts.hostname)):
            if self.config["PORTAL_ENV"] == "production":
                yield self.make_finding("address_local", base=base)
        elif parts.scheme != "https":
            yield self.make_finding("address_insecure", base=base)

    def check_proxy(self) -> Iterator[Finding]:
        """Check the headers of this and earlier requests."""
        wanted, forwarded = self.config["PORTAL_TRUSTED_PROXIES"], self.forwarded
        if forwarded is None:
            yield self.make_finding("proxy_unseen")
        elif wanted == 0 and (forwarded or current_app.extensions.get("proxy_warned")):
            yield self.make_finding("proxy_unexpected")
        elif len(forwarded) < wanted:
            yield self.make_finding("proxy_missing", wanted=wanted, number=len(forwarded))

    def check_database(self) -> Iterator[Finding]:
        """Check that the database works and has our tables."""
        problem = health.find_database_problem()
        if problem:
            name, said = problem
            yield self.make_finding(name, said=said)

    def check_keys(self) -> Iterator[Finding]:
        """Check that the keys decrypt the stored tokens of people.

        The apps' own tokens don't matter: one that can't be decrypted is fetched again.
        """
        columns = (Identity.access_token, Identity.refresh_token)
        has_token = or_(*(column.is_not(None) for column in columns))
        statement = select(Identity.id, *columns).where(has_token).order_by(Identity.id).limit(MOST_TOKENS)
        lost = sum(row.access_token is None for row in db.session.execute(statement))
        if lost:
            yield self.make_finding("keys_lost", people=lost)

    def check_worker(self) -> Iterator[Finding]:
        """Check that a worker runs where scheduled syncs need one."""
        if self.config["PORTAL_SYNC_EVERY"] and not health.is_worker_alive():
            yield self.make_finding("worker_missing")

    def check_usernames(self) -> Iterator[Finding]:
        """Check for usernames that differ only in case.

        An earlier version allowed them.
        """
        rows = select(Account.username).where(Account.username_key.is_(None)).order_by(Account.id)
        keys = {name: username_key(name) for name in db.session.scalars(rows.limit(MOST_WITHOUT_KEY))}
        used = set(db.session.scalars(select(Account.username_key).where(Account.username_key.in_(keys.values()))))
        if names := [name for name, key in keys.items() if key in used]:
            yield self.make_finding("usernames_alike", names=", ".join(names[:MOST_USERNAMES]))

    def check_files(self) -> Iterator[Finding]:
        """Check the files in a folder of the operator's choice.

        Our own folder is closed at every start.
        """
        database = sqlite_file(self.config["PORTAL_DATABASE_URL"], current_app.instance_path)
        paths = [f"{database}{ending}" for ending in DATABASE_FILES] if database else []
        if open_paths := [path for path in paths if open_to_all(path)]:
            yield self.make_finding("files_open", files=", ".join(open_paths))
