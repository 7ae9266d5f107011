"""What an operator types: accounts and syncs, worker, doctor; and `flask up`, which `make run` calls."""

import os
import shlex
import signal
import socket
import sys
import time
from urllib.parse import urlsplit

import click
import requests
from flask import current_app
from flask.cli import with_appcontext

from portal import database, processes
from portal.directory import jobs, progress
from portal.elements import doctor
from portal.elements.doctor.installation import Installation
from portal.elements.registry import Broken
from portal.errors import Code
from portal.signin import create_admin as administrators
from portal.text import is_clean

SIGNS = {"ok": "✓ ok", "warning": "! warning", "problem": "✗ problem", "skipped": "○ note"}
DID = {"created": "was created", "promoted": "was made an administrator", "enabled": "was enabled again"}
ENDINGS = (signal.SIGTERM, signal.SIGHUP)
STARTS_WITHIN = 30  # seconds a part may take to answer


def init_app(app):
    for command in (create_admin, sync, worker, examine, up):
        app.cli.add_command(command)


@click.command("create-admin")
@click.argument("name")
@click.option("--promote", is_flag=True, help="Also if people of a platform sign in as NAME.")
@with_appcontext
def create_admin(name, promote):
    """Create, promote or re-enable the account NAME and print a one-time sign-in link (15 minutes).

    Sessions of the account end. An account that a person of a platform signs in to needs --promote.
    """
    name = name.strip()
    if not is_clean(name) or len(name) > 64:
        raise click.BadParameter("must be 1 to 64 printable characters", param_hint="NAME")
    try:
        made = administrators.make(name, promote)
    except administrators.Bound as bound:
        raise click.ClickException(refusal_of(bound)) from None
    except database.FAILURES as error:
        raise click.ClickException(f"the database cannot be used: {database.explain(error)}") from None
    click.echo(said_of(made), err=True)
    click.echo(link_of(made))


def said_of(made: administrators.Made) -> str:
    """Return what became of an administrator's account, and whose it is."""
    did = " and ".join(DID[each] for each in made.did) or "was an administrator already"
    whose = f"it signs in {people_in(made.people)}" if made.people else "no person of a platform is bound to it"
    ended = {0: "", 1: "; 1 session was ended"}.get(made.sessions, f"; {made.sessions} sessions were ended")
    return f"The account {made.account.username} {did}: {whose}{ended}. This link works once, for 15 minutes:"


def refusal_of(bound: administrators.Bound) -> str:
    """Return why an account was left as it is, and what to do."""
    name, role = bound.account.username, "an administrator" if bound.account.role == "admin" else "a user"
    return (
        f"{name} is {role} already, and signs in {people_in(bound.people)}. Nothing was changed.\n"
        f"To make this person an administrator: flask create-admin {shlex.quote(name)} --promote\n"
        "To have an account of your own, choose another NAME."
    )


def people_in(people: list) -> str:
    """Return people by name, platform and id."""
    return ", ".join(f"{each.shown_name} ({each.provider}, {each.user_id})" for each in people)


def link_of(made: administrators.Made) -> str:
    return f"{current_app.config['PORTAL_BASE_URL']}/login/once/{made.token}"


@click.command("sync")
@click.argument("elements", nargs=-1, metavar="[ELEMENT]...")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--accept-leavers", is_flag=True, help="Go on with the losses the last stopped sync has shown.")
@with_appcontext
def sync(elements, dry_run, accept_leavers):
    """Sync people and departments of each ELEMENT (short or full name; default: all).

    Exit status: 0 done, 1 failed, 2 stopped because too many people would lose their access.
    """
    try:
        states = {sync_one(element, dry_run, accept_leavers) for element in chosen(elements)}
    except database.FAILURES as error:
        raise click.ClickException(f"the database cannot be used: {database.explain(error)}") from None
    sys.exit(1 if "failed" in states else 2 if "stopped" in states else 0)


def sync_one(element, dry_run: bool, accept_leavers: bool) -> str:
    """Sync an element, and return how that ended: one that is broken has failed."""
    if isinstance(element, Broken):
        click.echo(f"{element.name}: failed, {element.problem.reason}", err=True)
        return "failed"
    return progress.run(element, dry_run, accept_leavers)


def chosen(names) -> list:
    """Return the elements of these names, short or full; without any, all in use that have a directory."""
    elements = current_app.elements
    try:
        found = elements.named(names) if names else elements.shown()
    except Code as error:
        raise click.ClickException(error.reason) from None
    without = [element.name for element in found if not (isinstance(element, Broken) or element.has_directory)]
    if names and without:
        raise click.ClickException(f"without a directory to sync: {', '.join(without)}")
    return [element for element in found if element.name not in without]


@click.command("doctor")
@click.argument("elements", metavar="[ELEMENT]...", nargs=-1)
@with_appcontext
def examine(elements):
    """Check the portal and its elements by harmless calls: cause, place in the platform's console, remedy.

    An ELEMENT is given by its short or full name; without one, all are checked. Exit 1 when there is a problem.
    """
    try:
        chosen = current_app.elements.named(elements)
    except Code as error:
        raise click.BadParameter(error.reason, param_hint="ELEMENT") from None
    found = report("Portal", Installation().examine())
    for element in chosen:
        found += report(f"{element.title} ({element.name})", doctor.examine(element))
    if any(finding.state == doctor.PROBLEM for finding in found):
        sys.exit(1)


def report(title: str, findings: list) -> list:
    """Print findings under a title, those not looked at in one line; return them."""
    click.echo(f"\n{title}")
    waiting = [finding for finding in findings if finding.name == "waits"]
    for finding in findings:
        if finding in waiting:
            continue
        number = "" if finding.native is None else f" (platform: {finding.native})"
        click.echo(f"  {SIGNS[finding.state]:<11}{finding.title}{number}")
        for text in filter(None, (finding.cause, finding.place and f"In the console: {finding.place}", finding.remedy)):
            click.echo(f"             {text}")
    if waiting:
        titles = ", ".join(finding.title for finding in waiting)
        click.echo(f"  {SIGNS['skipped']:<11}Not checked until that is solved: {len(waiting)} ({titles})")
    return findings


@click.command("worker")
@with_appcontext
def worker():
    """Run queued and scheduled jobs until told to end."""
    for line in work_ahead():
        click.echo(line)
    jobs.work(current_app._get_current_object())


def work_ahead():
    """Yield what the worker will do: of which elements, when, and where its jobs come from."""
    config, elements = current_app.config, current_app.elements
    every, address = config["PORTAL_SYNC_EVERY"], urlsplit(config["PORTAL_REDIS_URL"] or "")
    when = f"every {every} seconds and when asked" if every else "only when asked (PORTAL_SYNC_EVERY is 0)"
    names = ", ".join(element.name for element in elements.with_directory())
    yield f"worker: syncs {names}, {when}" if names else "worker: no element has a directory to sync"
    for element in elements.shown():
        if isinstance(element, Broken):
            yield f"worker: does not sync {element.name}: {element.problem.reason}"
    redis = f"Redis at {address.hostname}:{address.port or 6379}"
    yield f"worker: jobs come from {redis if address.hostname else jobs.file_of(current_app)}"


@click.command("up")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--sandbox-port", type=click.IntRange(1, 65535), default=8100, show_default=True)
@click.option("--with-parent", is_flag=True, help="End when the program that started this one has ended.")
@with_appcontext
def up(port, sandbox_port, with_parent):
    """Run sandbox, portal and worker together on this machine, for trying the portal out; Ctrl-C ends all."""
    if port == sandbox_port:
        raise click.ClickException("PORT and SANDBOX_PORT must differ")
    for name, number in (("PORT", port), ("SANDBOX_PORT", sandbox_port)):
        if is_taken(number):
            raise click.ClickException(f"port {number} is in use; choose another: make run {name}={number + 1}")
    for ending in ENDINGS:
        signal.signal(ending, lambda *_: sys.exit(0))
    parent, programs = os.getppid(), processes.Programs()
    try:
        start_all(programs, port, sandbox_port)
        while programs.all_run():
            if with_parent and os.getppid() != parent:
                return
            time.sleep(0.5)
        raise click.ClickException("a part has ended by itself; see above")
    except KeyboardInterrupt:
        click.echo("\nended")
    finally:
        for ending in (signal.SIGINT, *ENDINGS):
            signal.signal(ending, signal.SIG_IGN)
        programs.end()


def start_all(programs: processes.Programs, port: int, sandbox_port: int) -> None:
    """Start sandbox, portal and worker, and print where they are."""
    portal, sandbox = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    programs.start("flask", "sandbox", "--port", str(sandbox_port))
    serve = "--worker-class gthread --threads 16 --graceful-timeout 5 --log-level warning --no-control-socket".split()
    programs.start("gunicorn", *serve, "--bind", f"127.0.0.1:{port}", "app:create_app()")
    wait_for(f"{portal}/readyz", programs)
    wait_for(sandbox, programs)
    programs.start("flask", "worker")  # its first syncs need the platforms
    base = current_app.config["PORTAL_BASE_URL"]
    click.echo(f"\n  Portal         {base}\n  Sandbox        {sandbox}   pretend Feishu and WeCom")
    click.echo(f"  Administrator  {first_administrator()}\n\n  Ctrl-C ends all.\n")


def first_administrator() -> str:
    """Return a fresh link for the account `admin`, or how to get in where a user's account has that name."""
    try:
        return link_of(administrators.make("admin"))
    except administrators.Bound as bound:
        if bound.account.role == "admin":
            return link_of(administrators.make("admin", promote=True))
        return f"sign in as {people_in(bound.people)}, or run: flask create-admin admin --promote"


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(url: str, programs: processes.Programs) -> None:
    """Wait until `url` answers with success.

    :raises click.ClickException: when a part ends, or nothing answers in time.
    """
    until = time.monotonic() + STARTS_WITHIN
    with requests.Session() as http:
        http.trust_env = False  # a proxy of the machine does not lead back to it
        while time.monotonic() < until:
            if not programs.all_run():
                raise click.ClickException("a part could not start; see above")
            try:
                if http.get(url, timeout=2).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
    raise click.ClickException(f"{url} does not answer")
