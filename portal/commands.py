"""The commands of an operator."""

import logging
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from portal import database, metrics
from portal.applications import catalogue
from portal.applications.doctor import examine_hosts
from portal.directory import jobs, progress
from portal.elements import doctor
from portal.elements.doctor.installation import Installation
from portal.elements.meta import Meta
from portal.elements.registry import Broken
from portal.errors import Code
from portal.logs import log_event
from portal.models import Identity
from portal.signin.administrator_links import AdministratorLink, PromotionNotAsked, make_administrator
from portal.text import is_clean

log = logging.getLogger(__name__)

STATE_SIGNS = {"ok": "✓ ok", "warning": "! warning", "problem": "✗ problem", "skipped": "○ note"}
CHANGES = {"created": "was created", "promoted": "was made an administrator", "enabled": "was enabled again"}


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (create_administrator, sync_elements, run_worker, run_doctor):
        app.cli.add_command(command)


@contextmanager
def explain_database_failure() -> Iterator[None]:
    """End a command in words when the database fails."""
    try:
        yield
    except database.FAILURES as error:
        raise click.ClickException(f"the database cannot be used: {database.explain(error)}") from None


@click.command("create-admin")
@click.argument("name")
@click.option("--promote", is_flag=True, help="Also if people of a platform sign in as NAME.")
@with_appcontext
@explain_database_failure()
def create_administrator(name: str, promote: bool) -> None:
    """Create, promote or re-enable the administrator's account NAME.

    Print a one-time sign-in link, which works for 15 minutes. Sessions of the account end. An account that a person of
    a platform signs in to needs --promote.
    """
    name = name.strip()
    if not is_clean(name) or len(name) > 64:
        raise click.BadParameter("must be 1 to 64 printable characters", param_hint="NAME")
    try:
        link = make_administrator(name, promote)
    except PromotionNotAsked as refusal:
        raise click.ClickException(describe_refusal(refusal)) from None
    click.echo(describe_changes(link), err=True)
    click.echo(write_address(link))


def describe_changes(link: AdministratorLink) -> str:
    """Return what has changed of an administrator's account."""
    changes = " and ".join(CHANGES[change] for change in link.changes) or "was an administrator already"
    people = f"it signs in {name_people(link.people)}" if link.people else "no person of a platform is bound to it"
    number = link.ended_sessions
    ended = {0: "", 1: "; 1 session was ended"}.get(number, f"; {number} sessions were ended")
    return f"The account {link.account.username} {changes}: {people}{ended}. This link works once, for 15 minutes:"


def describe_refusal(refusal: PromotionNotAsked) -> str:
    """Return why an account is unchanged, and a remedy."""
    name, role = refusal.account.username, "an administrator" if refusal.account.role == "admin" else "a user"
    return (
        f"{name} is {role} already, and signs in {name_people(refusal.people)}. Nothing was changed.\n"
        f"To make this person an administrator: flask create-admin {shlex.quote(name)} --promote\n"
        "To have an account of your own, choose another NAME."
    )


def name_people(people: list[Identity]) -> str:
    """Return people by name, platform and id."""
    return ", ".join(f"{person.shown_name} ({person.provider}, {person.user_id})" for person in people)


def write_address(link: AdministratorLink) -> str:
    """Return the address of a one-time link."""
    return f"{current_app.config['PORTAL_BASE_URL']}/login/once/{link.token}"


@click.command("sync")
@click.argument("elements", nargs=-1, metavar="[ELEMENT]...")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--accept-leavers", is_flag=True, help="Go on with the losses the last stopped sync has shown.")
@with_appcontext
@explain_database_failure()
def sync_elements(elements: tuple[str, ...], dry_run: bool, accept_leavers: bool) -> None:
    """Sync people and departments of each ELEMENT.

    An ELEMENT is given by its short or full name; without one, all are synced.

    Exit status: 0 done, 1 failed, 2 stopped because too many people would lose their access.
    """
    states = {sync_one(element, dry_run, accept_leavers) for element in choose_elements(elements)}
    sys.exit(1 if "failed" in states else 2 if "stopped" in states else 0)


def sync_one(element: Meta | Broken, dry_run: bool, accept_leavers: bool) -> str:
    """Sync an element, and return how that ended.

    The sync of a broken element has failed.
    """
    if isinstance(element, Broken):
        click.echo(f"{element.name}: failed, {element.problem.reason}", err=True)
        return "failed"
    return progress.run_in_terminal(element, dry_run, accept_leavers)


def choose_elements(names: Iterable[str]) -> list:
    """Return the elements of these names, short or full.

    Without a name, return all elements in use that have a directory.
    """
    try:
        elements = current_app.elements.list_named(names) if names else current_app.elements.list_shown()
    except Code as error:
        raise click.ClickException(error.reason) from None
    without = [element.name for element in elements if not (isinstance(element, Broken) or element.has_directory)]
    if names and without:
        raise click.ClickException(f"without a directory to sync: {', '.join(without)}")
    return [element for element in elements if element.name not in without]


@click.command("doctor")
@click.argument("elements", metavar="[ELEMENT]...", nargs=-1)
@with_appcontext
def run_doctor(elements: tuple[str, ...]) -> None:
    """Check the portal, its elements and its applications.

    Only harmless calls are made. Print each problem's cause, place in the platform's console and remedy.

    An ELEMENT is given by its short or full name; without one, all are checked, and the proxies in front of
    applications. Exit 1 when there is a problem.
    """
    try:
        chosen_elements = current_app.elements.list_named(elements)
    except Code as error:
        raise click.BadParameter(error.reason, param_hint="ELEMENT") from None
    findings = print_findings("Portal", Installation().examine())
    for element in chosen_elements:
        findings += print_findings(f"{element.title} ({element.name})", doctor.examine(element))
    if not elements:
        findings += examine_applications()
    if any(finding.state == doctor.PROBLEM for finding in findings):
        sys.exit(1)


def examine_applications() -> list:
    """Examine and print the hosts of active applications.

    Without a database there is nothing to examine; the portal's own findings say so.
    """
    findings = []
    with suppress(*database.FAILURES):
        names = [application.name for application in catalogue.list_applications() if application.active]
        for name in names:
            for origin, found in examine_hosts(catalogue.find_application(name)).items():
                findings += print_findings(f"{name} ({origin})", found)
    return findings


def print_findings(title: str, findings: list) -> list:
    """Print findings under a title, and return them.

    Checks that wait for others share one line.
    """
    click.echo(f"\n{title}")
    waiting = [finding for finding in findings if finding.name == "waits"]
    for finding in findings:
        if finding in waiting:
            continue
        number = "" if finding.native is None else f" (platform: {finding.native})"
        click.echo(f"  {STATE_SIGNS[finding.state]:<11}{finding.title}{number}")
        for text in filter(None, (finding.cause, finding.place and f"In the console: {finding.place}", finding.remedy)):
            click.echo(f"             {text}")
    if waiting:
        titles = ", ".join(finding.title for finding in waiting)
        click.echo(f"  {STATE_SIGNS['skipped']:<11}Not checked until that is solved: {len(waiting)} ({titles})")
    return findings


@click.command("worker")
@with_appcontext
def run_worker() -> None:
    """Run queued and scheduled jobs until told to end."""
    if problem := metrics.use_folder(Path(current_app.instance_path, metrics.FOLDER_NAME)):
        log_event(log, logging.WARNING, "metrics_folder", problem=problem)
    log_work()
    jobs.run_jobs(current_app._get_current_object())


def log_work() -> None:
    """Log what the worker will do.

    The lines name its elements, its times, and the queue of its jobs.
    """
    config, elements = current_app.config, current_app.elements
    every, address = config["PORTAL_SYNC_EVERY"], urlsplit(config["PORTAL_REDIS_URL"] or "")
    when = f"every {every} seconds and when asked" if every else "only when asked (PORTAL_SYNC_EVERY is 0)"
    names = [element.name for element in elements.list_syncable()]
    work = f"syncs {', '.join(names)}, {when}" if names else "no element has a directory to sync"
    redis = f"Redis at {address.hostname}:{address.port or 6379}"
    queue = redis if address.hostname else jobs.find_queue_file(current_app)
    log_event(log, logging.INFO, "worker_start", work=work, elements=names, every=every, queue=queue)
    for element in elements.list_shown():
        if isinstance(element, Broken):
            facts = {"element": element.name, "reason": element.problem.reason}
            log_event(log, logging.WARNING, "worker_skip", **facts)
