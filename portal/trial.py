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

from portal import processes
from portal.commands import name_people, write_address
from portal.signin.administrator_links import PromotionNotAsked, make_administrator

END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
START_TIMEOUT = 30  # seconds until a part must answer


def init_app(app: Flask) -> None:
    """Add the command to `flask`."""
    app.cli.add_command(run_everything)


@click.command("up")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--sandbox-port", type=click.IntRange(1, 65535), default=8100, show_default=True)
@click.option("--with-parent", is_flag=True, help="End when the program that started this one has ended.")
@with_appcontext
def run_everything(port: int, sandbox_port: int, with_parent: bool) -> None:
    """Run sandbox, portal and worker together to try them.

    Ctrl-C ends all.
    """
    if port == sandbox_port:
        raise click.ClickException("PORT and SANDBOX_PORT must differ")
    for name, number in (("PORT", port), ("SANDBOX_PORT", sandbox_port)):
        if is_port_taken(number):
            raise click.ClickException(f"port {number} is in use; choose another: make run {name}={number + 1}")
    for number in END_SIGNALS:
        signal.signal(number, lambda *_: sys.exit(0))
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
        for number in (signal.SIGINT, *END_SIGNALS):
            signal.signal(number, signal.SIG_IGN)
        programs.end()


def start_all(programs: processes.Programs, port: int, sandbox_port: int) -> None:
    """Start sandbox, portal and worker, and print where they are."""
    portal, sandbox = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    programs.start("flask", "sandbox", "--port", str(sandbox_port))
    serve = "--workers 1 --graceful-timeout 5 --log-level warning".split()  # the rest is in gunicorn.conf.py
    programs.start("gunicorn", *serve, "--bind", f"127.0.0.1:{port}", "app:create_app()")
    wait_for(f"{portal}/readyz", programs)
    wait_for(sandbox, programs)
    programs.start("flask", "worker")  # its first syncs need the platforms
    base = current_app.config["PORTAL_BASE_URL"]
    click.echo(f"\n  Portal         {base}\n  Sandbox        {sandbox}   the pretend platforms")
    click.echo(f"  Administrator  {make_first_link()}\n\n  Ctrl-C ends all.\n")


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
    """Wait until `url` answers with success.

    :raises click.ClickException: when a part ends, or nothing answers in time.
    """
    until = time.monotonic() + START_TIMEOUT
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
