"""Everything together, to try the portal.

`make run` calls `flask up`.
"""

import os
import signal
import socket
import sys
import time

import click
import requests
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import select

from portal import processes
from portal.applications import catalogue, groups
from portal.audit import Actor
from portal.commands import name_people, write_address
from portal.database import db
from portal.models import Application, Department, Group
from portal.signin.administrator_links import PromotionNotAsked, make_administrator

END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
START_TIMEOUT = 30  # seconds until a part must answer
SYNC_TIMEOUT = 20  # seconds until the first syncs must have told of the departments
WIKI = "wiki"  # the name of the pretend wiki
READERS = {"name": "research", "title": "研发中心 R&D"}  # the group that may read it
DEPARTMENT = "研发中心"  # of the sandbox's company; others of its people can't enter the wiki


def init_app(app: Flask) -> None:
    """Add the command to `flask`."""
    app.cli.add_command(run_everything)


@click.command("up")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--sandbox-port", type=click.IntRange(1, 65535), default=8100, show_default=True)
@click.option("--wiki-port", type=click.IntRange(1, 65535), default=8200, show_default=True)
@click.option("--with-parent", is_flag=True, help="End when the program that started this one has ended.")
@with_appcontext
def run_everything(port: int, sandbox_port: int, wiki_port: int, with_parent: bool) -> None:
    """Run sandbox, portal, worker and a wiki to try them.

    Ctrl-C ends all.
    """
    if current_app.config["PORTAL_ENV"] == "production":
        raise click.ClickException("this is for trying the portal, and PORTAL_ENV is production")
    ports = {"PORT": port, "SANDBOX_PORT": sandbox_port, "WIKI_PORT": wiki_port}
    if len(set(ports.values())) < len(ports):
        raise click.ClickException("PORT, SANDBOX_PORT and WIKI_PORT must differ")
    for name, number in ports.items():
        if is_port_taken(number):
            raise click.ClickException(f"port {number} is in use; choose another: make run {name}={number + 1}")
    for number in END_SIGNALS:
        signal.signal(number, lambda *_: sys.exit(0))
    parent, programs = os.getppid(), processes.Programs()
    try:
        start_all(programs, port, sandbox_port, wiki_port)
        while programs.all_run():
            if with_parent and os.getppid() != parent:
                return
            time.sleep(0.5)
        raise click.ClickException("a part has ended by itself; see above")
    except KeyboardInterrupt:
        click.echo("\nended")
    finally:
        for number in (signal.SIGINT, *END_SIGNALS):
            signal.signal(number, signal.SIG_IGN)
        programs.end()


def start_all(programs: processes.Programs, port: int, sandbox_port: int, wiki_port: int) -> None:
    """Start all parts, and print where they are."""
    portal, sandbox, wiki = (f"http://127.0.0.1:{number}" for number in (port, sandbox_port, wiki_port))
    programs.start("flask", "sandbox", "--port", str(sandbox_port))
    serve = "--workers 1 --graceful-timeout 5 --log-level warning".split()  # the rest is in gunicorn.conf.py
    programs.start("gunicorn", *serve, "--bind", f"127.0.0.1:{port}", "app:create_app()")
    wait_for(f"{portal}/readyz", programs)
    wait_for(sandbox, programs)
    programs.start("sandbox.wiki", "--port", str(wiki_port), "--portal", portal)
    programs.start("flask", "worker")  # its first syncs need the platforms
    register_wiki(wiki, programs)
    wait_for(wiki, programs)
    base = current_app.config["PORTAL_BASE_URL"]
    click.echo(f"\n  Portal         {base}\n  Sandbox        {sandbox}   the pretend platforms")
    click.echo(f"  Wiki           {wiki}   {describe_wiki(wiki)}")
    click.echo(f"  Administrator  {make_first_link()}\n\n  Ctrl-C ends all.\n")


def register_wiki(origin: str, programs: processes.Programs) -> None:
    """Make the wiki an application of the portal, once.

    Later starts leave it as administrators have changed it. It can only be one while the portal itself is at a loopback
    address.
    """
    if find_wiki():
        return
    try:
        catalogue.clean_application({"hosts": [origin]})
    except catalogue.InvalidFields:
        return
    members = [{"kind": "role", "value": "admin"}, *wait_for_departments(programs)]
    if db.session.scalar(select(Group.id).filter_by(name=READERS["name"])) is None:
        groups.create_group({**READERS, "members": members}, by=Actor())
    described = {"name": WIKI, "title": "Wiki", "hosts": [origin], "groups": [READERS["name"]]}
    catalogue.create_application(described, by=Actor())


def find_wiki() -> Application | None:
    """Return the wiki as it is registered."""
    return db.session.scalar(select(Application).filter_by(name=WIKI))


def wait_for_departments(programs: processes.Programs) -> list[dict]:
    """Return the wiki's readers, once the syncs tell of them.

    They are the research department of each platform. Where no sync tells of one, they are everybody.
    """
    syncs = len(current_app.elements.list_syncable()) if current_app.config["PORTAL_SYNC_EVERY"] else 0
    until = time.monotonic() + (SYNC_TIMEOUT if syncs else 0)
    while True:
        found = list(db.session.scalars(select(Department).filter_by(name=DEPARTMENT)))
        db.session.rollback()  # the next look has to see what the worker writes
        if len(found) >= syncs or time.monotonic() > until or not programs.all_run():
            break
        time.sleep(0.1)
    paths = [f"{row.provider}/{row.tenant}/{row.dept_id}" for row in found]
    departments = [{"kind": "department", "value": path, "below": True} for path in paths]
    return departments or [{"kind": "everybody", "value": ""}]


def describe_wiki(origin: str) -> str:
    """Return what to try with the wiki."""
    wiki = find_wiki()
    if wiki is None:
        return "can't be behind the gate while PORTAL_BASE_URL is no http address of this machine"
    if not wiki.active:
        return "is switched off on the portal's page Applications"
    if origin not in wiki.hosts:
        return "is not among the wiki's hosts on the portal's page Applications"
    return "an application behind the gate: sign in as 张三 (zhangsan)"


def make_first_link() -> str:
    """Return a fresh link for the account `admin`.

    Where a user's account has that name, say how to get in.
    """
    try:
        return write_address(make_administrator("admin"))
    except PromotionNotAsked as refusal:
        if refusal.account.role == "admin":
            return write_address(make_administrator("admin", promote=True))
        return f"sign in as {name_people(refusal.people)}, or run: flask create-admin admin --promote"


def is_port_taken(port: int) -> bool:
    """Tell whether a program listens on a port here."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(url: str, programs: processes.Programs) -> None:
    """Wait until `url` answers without a fault.

    :raises click.ClickException: when a part ends, or nothing answers in time.
    """
    until = time.monotonic() + START_TIMEOUT
    with requests.Session() as http:
        http.trust_env = False  # a proxy of the machine does not lead back to it
        while time.monotonic() < until:
            if not programs.all_run():
                raise click.ClickException("a part could not start; see above")
            try:
                if http.get(url, timeout=2, allow_redirects=False).status_code < 500:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
    raise click.ClickException(f"{url} does not answer")
