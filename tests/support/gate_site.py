"""A portal, an application that echoes, and proxies in front of it."""

import re
from contextlib import contextmanager
from html import unescape

from sqlalchemy import delete, select, update
from support.admin_client import open_database, sign_in_administrator
from support.deployment import PATIENCE, DeployedPortal
from support.echo_application import EchoApplication
from support.gate_proxies import PROXIES
from support.gate_visitors import Visitor
from support.portal_app import FEISHU, Browser, Elements, is_ready, make_settings, make_tables, wait_for_server
from support.postgres import find_free_port
from support.sql import open_sql
from support.syncs import run_sync

import app as portal_app
from portal.database import db
from portal.models import (
    ACTIVE,
    LEFT,
    Application,
    ApplicationGroup,
    Department,
    Group,
    GroupMember,
    Identity,
    Membership,
)

ORIGINS = {"docs": "http://docs.localhost:{port}", "wiki": "http://wiki.localhost:{port}"}
SNIPPET = re.compile(r"<summary>([^<]+)</summary>.*?<code[^>]*>(.*?)</code></pre>", re.DOTALL)
DEPARTMENT = "研发中心"  # may enter, with those below: Zhang San and Bob, but not Alice


@contextmanager
def run_gate_site(folder, sandbox, database, **options):
    """Run a portal for the proxies of a module, with fresh tables.

    :param options: as `GateSite` takes them.
    """
    make_tables(database, folder / "app")
    sandbox.reset()
    site = GateSite(folder, sandbox, database, **options)
    try:
        site.start()
        yield site
    finally:
        site.stop()


class GateSite:
    """A portal on two workers, with two applications for each proxy.

    They are called `nginx-wiki`, `nginx-docs` and so on, as all proxies ask the same portal.

    :param elements: a class of `Elements`.
    :param url: the portal's public address, if there is a proxy in front of the portal itself.
    """

    def __init__(self, folder, sandbox, database, elements=Elements, url=None, **more):
        self.folder, self.sandbox, self.database = folder, sandbox, database
        port = find_free_port()
        self.url = url or f"http://127.0.0.1:{port}"
        elements(folder / "app", sandbox, self.url).feishu()
        self.settings = {**make_settings(database, folder / "app", self.url), **more}
        self.portal = DeployedPortal(self.settings, folder, port)
        self.app = portal_app.create_app(self.settings)
        self.app.test_client_class = Browser
        self.echo, self.proxies, self.running = EchoApplication(), {}, []

    def start(self):
        run_sync(self.app, FEISHU)  # the departments
        self.administrator = sign_in_administrator(self.app)
        self.portal.start()

    def open_proxy(self, title):
        """Return a proxy in front of its two applications, which starts when first asked for."""
        if title not in self.proxies:
            proxy = PROXIES[title](self.folder / title)
            proxy.find_program()
            self.proxies[title] = proxy
            self.serve(proxy)
        return self.proxies[title]

    def serve(self, proxy, origins=ORIGINS, upstreams=None):
        """Start a proxy in front of applications.

        :param origins: where they are, with a place for the port.
        :param upstreams: ports of those that are not the echo.
        """
        self.running.append(proxy)
        applications = {}
        for short, origin in origins.items():
            name = f"{proxy.title.lower()}-{short}"
            fields = {"header_encoding": "percent"} if short == "docs" else {}
            self.add_application(name, origin.format(port=proxy.get_port(name)), **fields)
            applications[name] = (self.render(name), (upstreams or {}).get(short, self.echo.port))
        proxy.start(applications, self.portal.port)

    def add_application(self, name, origin, **fields):
        """Store an application for the people of the department."""
        with open_database(self.app) as session:
            group = session.query(Group).filter_by(name="dev").one_or_none()
            if group is None:
                department = session.query(Department).filter_by(name=DEPARTMENT).one()
                member = GroupMember(kind="department", value=str(department.id), below=True)
                group = Group(name="dev", title="Developers", members=[member])
                session.add(group)
            headers = ["user", "name", "email", "groups", "subject"]
            application = Application(name=name, title=name, hosts=[origin], **{"headers": headers, **fields})
            session.add(application)
            session.flush()
            session.add(ApplicationGroup(application_id=application.id, group_id=group.id))
            session.commit()

    def render(self, name):
        """Return the snippets that the page of an application prints."""
        page = self.administrator.get(f"/admin/applications/{name}").text
        return {title: unescape(text) for title, text in SNIPPET.findall(page)}

    def visit(self):
        return Visitor(self.url)

    @contextmanager
    def left(self, person):
        """Let a person leave the company inside the block."""
        self.change_person(person, status=LEFT)
        yield
        self.change_person(person, status=ACTIVE)

    def change_person(self, person, **values):
        with open_database(self.app) as session:
            session.execute(update(Identity).where(Identity.user_id == person).values(**values))
            session.commit()

    @contextmanager
    def moved_away(self, person):
        """Let a person sit in no department inside the block."""
        with open_database(self.app) as session:
            identity_id = session.scalar(select(Identity.id).where(Identity.user_id == person))
            own = Membership.identity_id == identity_id
            seats = list(session.scalars(select(Membership.department_id).where(own)))
            session.execute(delete(Membership).where(own))
            session.commit()
        yield
        with open_database(self.app) as session:
            session.add_all(Membership(identity_id=identity_id, department_id=seat) for seat in seats)
            session.commit()

    def wait_until_ready(self):
        wait_for_server(lambda: is_ready(self.portal), self.portal, PATIENCE)

    def sql(self, statement, **values):
        with open_sql(self.database) as run:
            return run(statement, **values)

    def stop(self):
        for proxy in self.running:
            proxy.stop()
        self.portal.stop()
        self.echo.stop()
        with open_database(self.app) as session:
            session.remove()
            db.engine.dispose()


class Gate:
    """What visitors meet at one proxy."""

    def __init__(self, site, title):
        self.site, self.title, self.proxy = site, title, site.open_proxy(title)
        self.name = f"{title.lower()}-wiki"
        self.wiki, self.docs = (self.get_origin(short) for short in ("wiki", "docs"))

    def get_origin(self, short):
        return ORIGINS[short].format(port=self.proxy.get_port(f"{self.title.lower()}-{short}"))

    def visit(self, person=None):
        """Return a visitor, who has entered the wiki as a person."""
        visitor = self.site.visit()
        if person:
            visitor.enter(f"{self.wiki}/", person)
        return visitor
