"""The bindings page of a large company against what bounds it: its statements alone, and an empty page of ours.

The statements alone are those that read the page's rows, with the accounts that may be theirs, and count people for
the counters and the paging; they are sent again as they are, with no object made of what they bring. The empty page is
the same one of a portal that knows nobody.
"""

import random
import time
from dataclasses import dataclass

import click
from sqlalchemy import event, insert, text

import app as portal_app
from bench.directory_sync import NAMES, Row, Size
from bench.machine import Portals
from portal.audit import Client
from portal.bindings import people_counts, people_filters, people_table
from portal.clocks import now
from portal.database import db
from portal.models import LEFT, Account, BindingRequest, Department, Identity, Membership
from portal.signin import sessions

FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂文辉建华玲志红玉兰飞鑫波斌宇浩凯健俊帆雪婷晨阳欣怡佳琪"
UNBOUND, WAITING, GONE = 0.003, 0.0002, 0.0003  # of everybody, in the usual company
WIDE = 8  # departments in one
BOUND = 3.0  # times the statements alone and the empty page
SECONDS = 0.5  # for a filter that compares people and accounts
AT_ONCE = 5_000  # rows an insert
STATUSES = ("suggested", "conflict", "unbound")


@dataclass(frozen=True)
class Asked:
    """A page of the table, by its address."""

    name: str
    args: dict

    @property
    def filters(self) -> people_filters.PeopleFilters:
        return people_filters.PeopleFilters(**self.args)


class Bench:
    """One run on all databases.

    `rows` fills meanwhile.

    :param times: each is measured so often, by turns; the quickest counts, for others may be at work on the machine.
    """

    def __init__(self, portals: Portals, databases, size: Size, times: int):
        self.portals, self.databases, self.size, self.times = portals, databases, size, times
        self.rows: list[Row] = []

    def run(self):
        for database in self.databases:
            empty = Site(self.portals.settings(database, "http://127.0.0.1:9"))
            for kind in ("nearly all bound", "nobody bound"):
                site = Site(self.portals.settings(database, "http://127.0.0.1:9"))
                site.fill(self.size, nobody=kind == "nobody bound")
                where = f"{NAMES[database]}, {kind}"
                for asked in site.pages():
                    self.against(site, empty, asked, f"{where}: {asked.name}")
                for status in STATUSES:
                    self.alone(site, Asked(status, {"status": status}), f"{where}: filter “{status}”")

    def against(self, site: "Site", empty: "Site", asked: Asked, what: str):
        """Compare a page with its statements alone and an empty page, by turns."""
        statements = site.statements(asked.filters)
        site.page(asked.args), site.bare(statements), empty.page()  # fill the caches
        took = [(site.page(asked.args), site.bare(statements), empty.page()) for _ in range(self.times)]
        page, query, nothing = (min(each) for each in zip(*took, strict=True))
        facts = f"{1000 * query:.1f} + {1000 * nothing:.1f} → {1000 * page:.1f} ms, {site.sent} statements"
        click.echo(f"{what:60}{facts}")
        self.rows.append(Row(what, page / (query + nothing), BOUND, facts=facts))

    def alone(self, site: "Site", asked: Asked, what: str):
        page = min(site.page(asked.args) for _ in range(3))
        facts = f"{site.sent} statements"
        click.echo(f"{what:60}{1000 * page:.0f} ms, {facts}")
        self.rows.append(Row(what, 1000 * page, 1000 * SECONDS, unit=" ms", facts=facts))


class Site:
    """A portal in this process, with an administrator who is signed in."""

    def __init__(self, settings: dict):
        self.app = portal_app.create_app({**settings, "PORTAL_SESSION_IDLE": "43200"})
        self.client = self.app.test_client()
        self.recorded: list | None = None
        self.sent = 0
        with self.app.app_context():
            event.listen(db.engine, "before_cursor_execute", self.record)
            db.session.add(administrator := Account(username="administrator", role="admin"))
            db.session.flush()
            token = sessions.open_session(administrator.id, None, (None, "link"), Client(), None)
            db.session.commit()
        self.client.set_cookie(self.app.config["PORTAL_SESSION_COOKIE"], token, domain="127.0.0.1")

    def record(self, _connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("BEGIN"):
            return
        self.sent += 1
        if self.recorded is not None:
            self.recorded.append((statement, parameters))

    def page(self, args: dict | None = None, path: str = "/admin/bindings") -> float:
        """Return the seconds the page takes."""
        self.sent, began = 0, time.perf_counter()
        answer = self.client.get(path, query_string=args, base_url=self.app.config["PORTAL_BASE_URL"])
        took = time.perf_counter() - began
        if answer.status_code != 200:
            raise SystemExit(f"the page of {args} answered {answer.status}")
        return took

    def statements(self, filters: people_filters.PeopleFilters) -> list[tuple]:
        """Return the statements, with their parameters, that read the rows of a page and count."""
        self.recorded = []
        with self.app.app_context():
            people_table.load_page_of_people(filters, people_counts.count_by_status()["all"])
        found, self.recorded = self.recorded, None
        return found

    def bare(self, statements: list[tuple]) -> float:
        """Return the seconds the statements take by themselves."""
        with self.app.app_context(), db.engine.connect() as connection:
            cursor = connection.connection.cursor()
            began = time.perf_counter()
            for statement, parameters in statements:
                cursor.execute(statement, parameters)
                cursor.fetchall()
            took = time.perf_counter() - began
            cursor.close()
        return took

    def fill(self, size: Size, nobody: bool):
        """Store a company.

        :param nobody: whether nobody is bound yet, and everybody has an account that may be theirs.
        """
        with self.app.app_context():
            for model, rows in company(size, nobody).items():
                for first in range(0, len(rows), AT_ONCE):
                    db.session.execute(insert(model.__table__), rows[first : first + AT_ONCE])
            db.session.commit()
            if db.engine.dialect.name == "postgresql":  # as its autovacuum does within a minute
                with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.execute(text("VACUUM ANALYZE"))

    def pages(self) -> list[Asked]:
        return [
            Asked("the whole table", {}),
            Asked("its hundredth page", {"page": 100}),
            Asked("a department with those below it", {"department": 3}),
            Asked("search for 明伟, a part of a name", {"q": "明伟"}),
            Asked("search for an employee number", {"q": "000123"}),
            Asked("bound", {"status": "bound"}),
        ]


def company(size: Size, nobody: bool) -> dict:
    """Return the rows of a company by their model, in the order they can be stored in."""
    chance, moment = random.Random(5), now()
    departments = [department(number) for number in range(1, size.departments + 1)]
    people, members, requests, accounts = [], [], [], []
    gone, waiting = round(size.people * GONE), round(size.people * WAITING)
    unbound = gone + waiting + round(size.people * UNBOUND)
    for number in range(1, size.people + 1):
        seat = chance.randint(1, size.departments)
        name = chance.choice(FAMILY) + "".join(chance.choices(GIVEN, k=chance.choice((1, 2, 2))))
        free, left = nobody or number <= unbound, not nobody and number <= gone
        people.append(person(number, name, seat, None if free else number + 1, left, moment))
        members.append({"department_id": seat, "identity_id": number})
        accounts.append(account(number, name, numbered=nobody or number % 2))
        if gone < number <= gone + waiting and not nobody:
            requests.append(request(number, moment))
    return {Account: accounts, Department: departments, Identity: people, Membership: members, BindingRequest: requests}


def department(number: int) -> dict:
    parent = str((number - 2) // WIDE + 1) if number > 1 else "0"
    own = {"id": number, "dept_id": str(number), "parent_id": parent, "name": f"部门 {number}", "position": number}
    return {"provider": "wecom", "tenant": "ww1", "open_id": "", "leaders": [], **own}


def person(number: int, name: str, seat: int, account_id: int | None, left: bool, moment) -> dict:
    signed_in = moment if account_id and number % 3 else None
    return {
        "id": number,
        "provider": "wecom",
        "tenant": "ww1",
        "subject": f"p{number:06}",
        "user_id": f"p{number:06}",
        "name": name,
        "email": f"p{number:06}@example.com",
        "employee_number": f"{number:06}",
        "department": [str(seat)],
        "status": LEFT if left else 1,
        "account_id": account_id,
        "bound_at": moment if account_id else None,
        "bound_how": "created" if account_id else None,
        "signed_in_at": signed_in,
        "signed_in_how": "redirect" if signed_in else None,
        "contact_at": moment,
    }


def account(number: int, name: str, numbered: bool) -> dict:
    own = {"employee_number": f"{number:06}" if numbered else None, "email": f"p{number:06}@example.com"}
    return {"id": number + 1, "username": f"p{number:06}", "name": name, "role": "user", "active": True, **own}


def request(number: int, moment) -> dict:
    own = {"id": number, "identity_id": number, "state": "waiting", "reason": "", "reference": f"ABCD-{number:02}"}
    return {**own, "element": "WeCom", "address": "", "created_at": moment, "seen_at": moment}
