"""Overview, search and queue of a large company against what bounds them: their statements alone, and an empty page.

The statements are those that the page itself sends; they are sent again as they are, with no object made of what they
bring. The empty page is the same one of a portal that knows nobody.
"""

import random
from dataclasses import dataclass
from datetime import timedelta

import click
from sqlalchemy import insert, text

from bench.bindings_page import AT_ONCE, BOUND, Site
from bench.directory_sync import NAMES, Row, Size
from bench.machine import Portals
from portal.audit import daily_sign_ins
from portal.bindings import suggestion_counts
from portal.clocks import now
from portal.database import db
from portal.models import AuditEvent, SyncRun

DAYS = 30
MOST_STATEMENTS = 15
FAILED = 0.02  # of the sign-ins
LOGINS = ("FSInnerExample", "QywxInnerExample")


@dataclass(frozen=True)
class Asked:
    """A page by its address."""

    name: str
    path: str
    args: dict


PAGES = [
    Asked("overview", "/admin", {}),
    Asked("search for 明伟, a part of a name", "/admin/search", {"q": "明伟"}),
    Asked("search for a user ID", "/admin/search", {"q": "p000123"}),
    Asked("search for a reference", "/admin/search", {"q": "ABCD-23"}),
    Asked("search for what is not there", "/admin/search", {"q": "nowhere"}),
    Asked("bindings", "/admin/bindings", {}),
    Asked("queue", "/admin/queue", {}),
]


class Bench:
    """One run on all databases.

    `rows` fills meanwhile.

    :param times: each is measured so often, by turns; the quickest counts.
    """

    def __init__(self, portals: Portals, databases, times: int):
        self.portals, self.databases, self.times = portals, databases, times
        self.rows: list[Row] = []

    def run(self, size: Size, sign_ins: int):
        for database in self.databases:
            empty = Site(self.portals.settings(database, "http://127.0.0.1:9"))
            site = Site(self.portals.settings(database, "http://127.0.0.1:9"))
            site.fill(size, nobody=False)
            fill_history(site, size, sign_ins)
            where = NAMES[database]
            self.compare(site, empty, PAGES[0], f"{where}: overview, nothing counted by a worker")
            with site.app.app_context():
                suggestion_counts.renew_counts()
                daily_sign_ins.store_past_days()
            for asked in PAGES:
                self.compare(site, empty, asked, f"{where}: {asked.name}")

    def compare(self, site: Site, empty: Site, asked: Asked, what: str):
        """Compare a page with its statements alone and an empty page, by turns."""
        site.page(asked.args, asked.path), empty.page(asked.args, asked.path)  # fill the caches
        site.recorded = []
        site.page(asked.args, asked.path)
        statements, site.recorded = site.recorded, None
        pages = (lambda: site.page(asked.args, asked.path), lambda: site.bare(statements))
        took = [(*(each() for each in pages), empty.page(asked.args, asked.path)) for _ in range(self.times)]
        page, query, nothing = (min(each) for each in zip(*took, strict=True))
        facts = f"{1000 * query:.1f} + {1000 * nothing:.1f} → {1000 * page:.1f} ms, {len(statements)} statements"
        click.echo(f"{what:60}{facts}")
        self.rows.append(Row(what, page / (query + nothing), BOUND, facts=facts))
        self.rows.append(Row(f"{what}, statements", len(statements), MOST_STATEMENTS, unit=""))


def fill_history(site: Site, size: Size, sign_ins: int):
    """Store the sign-ins and syncs of thirty days, a sync each hour."""
    chance, moment = random.Random(3), now()
    events = [make_sign_in(chance, moment, size.people) for _ in range(sign_ins)]
    runs = [make_run(element, moment - timedelta(hours=hour)) for hour in range(24 * DAYS) for element in LOGINS]
    with site.app.app_context():
        for model, rows in ((AuditEvent, events), (SyncRun, runs)):
            for first in range(0, len(rows), AT_ONCE):
                db.session.execute(insert(model.__table__), rows[first : first + AT_ONCE])
        db.session.commit()
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))


def make_sign_in(chance: random.Random, moment, people: int) -> dict:
    """Return an entry of the audit log."""
    person, result = chance.randint(1, people), 40303 if chance.random() < FAILED else 0
    facts = {"action": "login", "result": result, "element": LOGINS[1], "address": "192.0.2.7", "details": {}}
    return {**facts, "at": moment - timedelta(days=DAYS * chance.random()), "identity_id": person, "request_id": ""}


def make_run(element: str, moment) -> dict:
    """Return a sync that went well."""
    times = {"created_at": moment, "started_at": moment, "ended_at": moment + timedelta(seconds=30)}
    return {"element": element, "how": "schedule", "open": None, "state": "done", "counts": {"people": 1}, **times}
