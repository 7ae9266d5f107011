"""The commands for maintenance.

They delete a person, end all sessions, follow a change of keys, and tell the version.
"""

import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from portal import __version__, audit, database
from portal.audit import Actor
from portal.bindings import person_deletion
from portal.bindings.person_deletion import DeletedPerson
from portal.commands import explain_database_failure
from portal.database import reencryption
from portal.errors import NOT_FOUND, Code
from portal.health import get_newest_version
from portal.signin import sessions

person_commands = AppGroup("person", help="Delete a person.")
session_commands = AppGroup("sessions", help="End sessions.")
key_commands = AppGroup("keys", help="Follow a change of keys.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (person_commands, session_commands, key_commands, show_version):
        app.cli.add_command(command)


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
