"""Measurements: `python -m bench sync`, `bindings`, `admin`, `login`, `gate`, `morning`, `servers`,
`statements`."""

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import click

from bench import gate, logins, morning, servers
from bench.apps import PEERS
from bench.directory_sync import Bench, Size, describe_machine, report
from bench.machine import Portals
from bench.served import Stub


@click.group()
def bench():
    """Measure the portal, side by side with what bounds it."""


@bench.command("sync")
@click.option("--people", default=10_000, show_default=True, help="In the company of usual size.")
@click.option("--departments", default=500, show_default=True)
@click.option("--many-people", default=100_000, show_default=True, help="In the large company; 0: leave it out.")
@click.option("--many-departments", default=5_000, show_default=True)
@click.option("--rounds", default=3, show_default=True, help="The large company is synced so often; the median counts.")
@click.option("--database", "databases", multiple=True, type=click.Choice(["sqlite", "postgresql"]))
@click.option("--provider", "providers", multiple=True, type=click.Choice(["feishu", "wecom"]))
def sync(people, departments, many_people, many_departments, rounds, databases, providers):
    """Measure the directory sync."""
    databases, providers = databases or ("sqlite", "postgresql"), providers or ("feishu", "wecom")
    usual = Size(people, departments)
    with tempfile.TemporaryDirectory() as folder, closing(Portals(Path(folder))) as portals:
        measured = Bench(portals, databases, providers, rounds)
        measured.small(usual)
        if many_people:
            measured.large(Size(many_people, many_departments), usual)
    click.echo(report(measured.rows))


@bench.command("bindings")
@click.option("--people", default=100_000, show_default=True)
@click.option("--departments", default=5_000, show_default=True)
@click.option("--times", default=15, show_default=True, help="Each is measured so often; the quickest counts.")
@click.option("--database", "databases", multiple=True, type=click.Choice(["sqlite", "postgresql"]))
def bindings(people, departments, times, databases):
    """Measure the bindings page."""
    from bench import bindings_page  # here: it loads the portal, and what is measured counts this process's memory in

    with tempfile.TemporaryDirectory() as folder, closing(Portals(Path(folder))) as portals:
        databases = databases or ("sqlite", "postgresql")
        measured = bindings_page.Bench(portals, databases, Size(people, departments), times)
        measured.run()
    click.echo(report(measured.rows))


@bench.command("admin")
@click.option("--people", default=100_000, show_default=True)
@click.option("--departments", default=5_000, show_default=True)
@click.option("--sign-ins", default=300_000, show_default=True, help="Of thirty days.")
@click.option("--times", default=15, show_default=True, help="Each is measured so often; the quickest counts.")
@click.option("--database", "databases", multiple=True, type=click.Choice(["sqlite", "postgresql"]))
def admin(people, departments, sign_ins, times, databases):
    """Measure the overview, the search and the queue."""
    from bench import admin_pages  # here, as for the bindings page

    with tempfile.TemporaryDirectory() as folder, closing(Portals(Path(folder))) as portals:
        measured = admin_pages.Bench(portals, databases or ("sqlite", "postgresql"), times)
        measured.run(Size(people, departments), sign_ins)
    click.echo(report(measured.rows))


@bench.command("login")
@click.option("--rounds", default=3, show_default=True, help="All are measured so often by turns; the median counts.")
@click.option("--peers", default=",".join(PEERS), show_default=True, help="A comma list.")
@click.option("--checks", default=3000, show_default=True, help="Signed-in checks a round and server.")
@click.option("--logins", "count", default=300, show_default=True, help="Logins a round and server.")
def login(rounds, peers, checks, count):
    """Measure login and session check."""
    names = [name for name in peers.split(",") if name]
    if unknown := set(names) - set(PEERS):
        raise click.BadParameter(f"no such peers: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder, closing(Portals(Path(folder))) as portals:
        measured = logins.Bench(portals, names, rounds, logins.Sizes(checks, checks // 2, count, count // 2))
        measured.run()
    click.echo(f"\n{measured.table()}")
    click.echo(report(measured.rows))


@bench.command("gate")
@click.option("--rounds", default=7, show_default=True, help="All are measured so often by turns; the median counts.")
@click.option("--checks", default=800, show_default=True, help="Requests a round and figure.")
@click.option("--database", "databases", multiple=True, type=click.Choice(["sqlite", "postgresql"]))
def run_gate(rounds, checks, databases):
    """Measure checks of the gate, and what it takes to enter an application."""
    with tempfile.TemporaryDirectory() as folder, closing(Portals(Path(folder))) as portals:
        measured = gate.Bench(portals, databases or ("sqlite", "postgresql"), rounds, checks)
        measured.run()
    click.echo(report(measured.rows))


@bench.command("morning")
@click.option("--logins", "count", default=10_000, show_default=True, help="Before the memory is read.")
@click.option("--counted", default=1_000, show_default=True, help="People; their platform calls are counted.")
@click.option("--people", default=500, show_default=True, help="They all come within the next number of seconds.")
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--platform", default=2.0, show_default=True, help="Seconds the platform takes meanwhile for a login.")
def run_morning(count, counted, people, seconds, platform):
    """Measure the portal alone: calls, statements, memory, and many people within a minute."""
    with tempfile.TemporaryDirectory() as folder, closing(Portals(Path(folder))) as portals:
        measured = morning.Bench(portals, morning.Morning(count, counted, people, seconds, platform))
        measured.run()
    click.echo(report(measured.rows))


@bench.command("servers")
@click.option("--rounds", default=3, show_default=True)
@click.option("--checks", default=3000, show_default=True, help="Signed-in checks a round, server and split.")
@click.option("--logins", "count", default=300, show_default=True, help="Logins a round and server.")
@click.option("--steady", default=6.0, show_default=True, help="Seconds of requests around a signal.")
def compare_servers(rounds, checks, count, steady):
    """Measure the portal under gunicorn and under granian."""
    with tempfile.TemporaryDirectory() as folder, closing(Portals(Path(folder))) as portals:
        measured = servers.Bench(portals, rounds, checks, count, steady)
        measured.run()
    click.echo(f"\n{measured.table()}\n\n{describe_machine()}")


@bench.command("statements")
def statements():
    """Print what a login sends to the database."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack, closing(Portals(Path(folder))) as portals:
        for kind, texts in morning.trace_statements(portals, Stub(stack).url).items():
            click.echo("\n".join([f"\n{kind}", *(f"  {' '.join(text.split())}" for text in texts)]))


bench(prog_name="python -m bench")
