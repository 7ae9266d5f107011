"""A sync in a terminal: a bar that moves, or plain lines where the output is no terminal."""

import sys
import time

import click

from portal.directory import runs
from portal.directory.sync import Sync, share
from portal.errors import Code

BAR = 24  # characters
CLEAR = "\r\x1b[2K"
KINDS = ("new", "changed", "moved", "left", "out_of_sight")


def run(element, dry_run: bool, accept_leavers: bool) -> str:
    """Sync an element here and now, showing how far it is; return `done`, `failed` or `stopped`."""
    shown = Shown(element.name)
    try:
        lease = runs.take(element.name, dry_run=dry_run, accept_leavers=accept_leavers)
        sync = Sync(element, lease, shown.tell)
        state = sync.run()
    except (Code, runs.LeaseLost) as error:
        shown.say(str(error) or "another sync has taken over")
        return "failed"
    shown.say(ending(sync, state, accept_leavers), err=state != "done")
    for line in details(sync):
        click.echo(f"  {line}")
    return state


class Shown:
    """What stands in the terminal."""

    def __init__(self, name: str):
        self.name, self.phase, self.began, self.last = name, "", 0.0, ""
        self.moves = sys.stdout.isatty()

    def tell(self, sync: Sync):
        if sync.phase != self.phase:
            self.phase, self.began = sync.phase, time.monotonic()
        if not sync.phase:
            return
        text = progress(sync, time.monotonic() - self.began)
        if self.moves:
            click.echo(f"{CLEAR}{self.name}  {bar(share(sync.phase, sync.counts) or 0)}  {text}", nl=False)
        elif text != self.last:
            click.echo(f"{self.name}: {text}")
            sys.stdout.flush()
        self.last = text

    def say(self, text: str, err: bool = False):
        if self.moves:
            click.echo(CLEAR, nl=False)
        click.echo(f"{self.name}: {text}", err=err)


def progress(sync: Sync, seconds: float) -> str:
    """Return how far a sync is: people, departments, pages, the rate and the time left."""
    counts = sync.counts
    parts = [
        sync.phase,
        f"{counts['people']:,} people",
        f"{counts['departments']:,} departments",
        f"{counts['pages']:,} pages",
    ]
    done = share(sync.phase, sync.counts)
    if sync.phase == "people" and seconds > 1:
        parts.append(f"{counts['people'] / seconds:,.0f} people/s")
    if done and seconds > 1:
        parts.append(f"{seconds * (1 - done) / done:.0f} s left")
    return ", ".join(parts)


def bar(done: float) -> str:
    full = round(BAR * done)
    return "█" * full + "░" * (BAR - full)


def ending(sync: Sync, state: str, accept_leavers: bool) -> str:
    """Return in a line how a run has ended."""
    counts = sync.counts
    if state == "failed":
        number, reason, native = sync.failure
        told = "" if native is None else f" (platform {native})"
        return f"failed, nobody was removed: {reason}{told} [{number}]"
    if state == "stopped":
        return stopped(sync, accept_leavers)
    changes = ", ".join(f"{counts[kind]:,} {kind.replace('_', ' ')}" for kind in KINDS if counts[kind])
    would = "dry run, would be" if sync.dry_run else "done"
    return f"{would}: {changes or 'no change'}; {counts['people']:,} people, {counts['departments']:,} departments"


def stopped(sync: Sync, accept_leavers: bool) -> str:
    """Return in a line why the guard has stopped a run, and how to go on."""
    kept = "nobody has lost access" if sync.first else "nothing was changed"
    why = f"{sync.counts['losing']:,} of {sync.active_before:,} people would lose their access"
    if sync.accepted is not None:
        why += f", many more than the {sync.accepted:,} accepted"
    elif accept_leavers:
        why += "; --accept-leavers counts only after a sync that has shown them, as this one does"
    return f"stopped, {kept}: {why}; if that is right, run again with --accept-leavers"


def details(sync: Sync):
    """Yield what the run warns of, and for a dry run whom each number means."""
    for fault, ids in sync.report.get("warnings", {}).items():
        yield f"warning: {fault.replace('_', ' ')}: {', '.join(ids[:10])}"
    kinds = KINDS if sync.dry_run else ()
    for kind in (*kinds, "losing"):
        names = sync.report.get(kind, [])
        if names and (kind != "losing" or sync.failure is None):
            more = sync.counts[kind] - len(names)
            yield f"{kind.replace('_', ' ')}: {', '.join(names)}{f' and {more:,} more' if more > 0 else ''}"
