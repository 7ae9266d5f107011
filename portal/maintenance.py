"""The commands for maintenance.

They export and apply applications, delete a person, end all sessions, follow a change of keys, and tell the version.
"""

import json
import sys
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from portal import __version__, audit, database
from portal.applications import application_file
from portal.applications.application_file import Difference, FaultyFile
from portal.audit import Actor
from portal.bindings import person_deletion
from portal.bindings.person_deletion import DeletedPerson
from portal.commands import explain_database_failure
from portal.database import reencryption
from portal.errors import NOT_FOUND, Code
from portal.health import get_newest_version
from portal.signin import sessions

application_commands = AppGroup("applications", help="Export or apply applications and groups.")
person_commands = AppGroup("person", help="Delete a person.")
session_commands = AppGroup("sessions", help="End sessions.")
key_commands = AppGroup("keys", help="Follow a change of keys.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (application_commands, person_commands, session_commands, key_commands, show_version):
        app.cli.add_command(command)


@application_commands.command("export")
@explain_database_failure()
def export_applications() -> None:
    """Print groups and applications as JSON, without secrets."""
    click.echo(json.dumps(application_file.write_contents(), ensure_ascii=False, indent=2))


@application_commands.command("apply")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@explain_database_failure()
def apply_applications(file: Path, dry_run: bool) -> None:
    """Store the groups and applications of FILE.

    Either all are stored, or none.

    Print what changes. What FILE leaves out stays as it is: a group, an application, a key. Secrets are variables, such
    as ${WIKI_SECRET}; WIKI_SECRET_FILE may name a file instead.

    Exit status: 1 when FILE can't be applied, with a line for each fault; 0 otherwise.
    """
    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise click.ClickException(f"{file} can't be read: {type(error).__name__}") from None
    variable = current_app.elements.variable
    try:
        differences = application_file.apply_file(content, variable, is_dry_run=dry_run, by=Actor())
    except FaultyFile as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        sys.exit(1)
    for line in describe_differences(differences, dry_run):
        click.echo(line)


def describe_differences(differences: list[Difference], is_dry_run: bool) -> list[str]:
    """Return what a file has changed, or would."""
    if not differences:
        return ["Nothing to do."]
    lines = []
    for difference in differences:
        lines.append(f"{difference.kind} {difference.name}: {'new' if difference.is_new else 'changed'}")
        lines += [f"  {change}" for change in difference.changes]
    return [*lines, "Dry run: nothing was stored."] if is_dry_run else lines


@person_commands.command("delete")
@click.argument("number", metavar="ID", type=click.IntRange(1, 2**31 - 1))
@explain_database_failure()
def delete_person(number: int) -> None:
    """Delete the person with the number ID.

    The number is at the end of the address of the person's page. Sessions of the person end. What is stored about
    them goes, but for the number, by which the audit log names them from now on.
    """
    try:
        person = person_deletion.delete_person(number, by=Actor())
    except Code as error:
        if error.code != NOT_FOUND:
            raise
        raise click.ClickException(f"there is no person no. {number}") from None
    for line in describe_deletion(person):
        click.echo(line)


def describe_deletion(person: DeletedPerson) -> list[str]:
    """Return what a deletion has done and left."""
    lines = [
        f"{person.name} ({person.provider}, {person.user_id}) was deleted."
        f" The audit log calls them person no. {person.number}. Sessions ended: {person.ended_sessions}."
    ]
    if person.account is not None:
        way_in = "another person can sign in to it" if person.has_others else "no person can sign in to it any more"
        lines.append(
            f"The account {person.account.username} stays: {way_in}."
            " Its name and contact data can be changed on its page."
        )
    if person.listed_by:
        lines.append(
            f"The platform still lists this person for {', '.join(person.listed_by)}: the next sync stores them again,"
            " under a new number. Remove them there, or from what the app may see."
        )
    return lines


@session_commands.command("end-all")
@explain_database_failure()
def end_all_sessions() -> None:
    """End every session of every account.

    Run it after a backup was restored: the restored database holds sessions that had ended since.
    """
    ended = sessions.end_all_sessions(by=Actor())
    click.echo(f"Sessions ended: {ended}")


@key_commands.command("reencrypt")
@explain_database_failure()
def reencrypt_secrets() -> None:
    """Encrypt stored secrets anew under the first key.

    The portal may run meanwhile. Afterwards the other keys of PORTAL_ENCRYPTION_KEYS can go.

    Exit status: 1 when a row could not be decrypted, or the portal has changed it again and again; 0 otherwise.
    """
    columns = list(reencryption.reencrypt_secrets())
    with database.write():
        renewed = {column.name: column.renewed for column in columns}
        audit.record("keys.reencrypt", Actor(), details={"renewed": renewed})
    for column in columns:
        click.echo(f"{column.name}: {column.renewed} encrypted anew, {column.current} were under the first key")
        for row in column.unreadable:
            click.echo(f"  no key decrypts that of row {row}", err=True)
        if column.changed:
            click.echo(f"  {column.changed} have changed meanwhile, so run this again", err=True)
    if any(column.unreadable or column.changed for column in columns):
        sys.exit(1)


@click.command("version")
@with_appcontext
def show_version() -> None:
    """Show the versions of the portal and of its tables."""
    tables = get_newest_version(current_app.extensions["migrate"].directory)
    click.echo(f"Login portal {__version__}, tables {tables}")
