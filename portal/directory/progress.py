"""Prints a sync's progress in a terminal.

There it is a moving bar, and lines in other outputs.
"""

import sys
import time
from collections.abc import Iterator

import click

from portal.directory import runs
from portal.directory.protocol import SyncedElement
from portal.directory.sync import Sync, calculate_share
from portal.errors import Code

BAR_LENGTH = 24  # characters
CLEAR_LINE = "\r\x1b[2K"
KINDS = ("new", "changed", "moved", "left", "out_of_sight")
MOST_IDS = 10  # in the line of a warning


def run_in_terminal(element: SyncedElement, dry_run: bool, accept_leavers: bool) -> str:
    """Sync an element here and print the progress.

    :return: `done`, `failed` or `stopped`.
    """
    terminal = Terminal(element.name)
    try:
        lease = runs.begin_from_command(element.name, dry_run=dry_run, accept_leavers=accept_leavers)
        sync = Sync(element, lease, terminal.show)
        state = sync.run()
    except (Code, runs.LeaseLost) as error:
        terminal.print_line(str(error) or "another sync has taken over")
        return "failed"
    terminal.print_line(describe_end(sync, state, accept_leavers), err=state != "done")
    for line in list_details(sync):
        click.echo(f"  {line}")
    return state


class Terminal:
    """Prints the progress of one element's sync."""

    def __init__(self, name: str):
        self.name, self.phase, self.began_at, self.last_text = name, "", 0.0, ""
        self.has_bar = sys.stdout.isatty()

    def show(self, sync: Sync) -> None:
        """Draw the bar, or print a line that is new."""
        if sync.phase != self.phase:
            self.phase, self.began_at = sync.phase, time.monotonic()
        if not sync.phase:
            return
        text = describe_progress(sync, time.monotonic() - self.began_at)
        if self.has_bar:
            bar = draw_bar(calculate_share(sync.phase, sync.counts) or 0)
            click.echo(f"{CLEAR_LINE}{self.name}  {bar}  {text}", nl=False)
        elif text != self.last_text:
            click.echo(f"{self.name}: {text}")
            sys.stdout.flush()
        self.last_text = text

    def print_line(self, text: str, err: bool = False) -> None:
        if self.has_bar:
            click.echo(CLEAR_LINE, nl=False)
        click.echo(f"{self.name}: {text}", err=err)


def describe_progress(sync: Sync, seconds: float) -> str:
    """Return phase, people, departments, pages, rate and time left.

    :param seconds: since the phase began.
    """
    counts = sync.counts
    parts = [
        sync.phase,
        f"{counts['people']:,} people",
        f"{counts['departments']:,} departments",
        f"{counts['pages']:,} pages",
    ]
    share = calculate_share(sync.phase, sync.counts)
    if sync.phase == "people" and seconds > 1:
        parts.append(f"{counts['people'] / seconds:,.0f} people/s")
    if share and seconds > 1:
        parts.append(f"{seconds * (1 - share) / share:.0f} s left")
    return ", ".join(parts)


def draw_bar(share: float) -> str:
    full = round(BAR_LENGTH * share)
    return "█" * full + "░" * (BAR_LENGTH - full)


def describe_end(sync: Sync, state: str, accept_leavers: bool) -> str:
    """Return in one line how a run has ended."""
    counts = sync.counts
    if state == "failed":
        number, reason, native = sync.failure
        platform = "" if native is None else f" (platform {native})"
        return f"failed, no person was removed: {reason}{platform} [{number}]"
    if state == "stopped":
        return describe_stop(sync, accept_leavers)
    changes = ", ".join(f"{counts[kind]:,} {kind.replace('_', ' ')}" for kind in KINDS if counts[kind])
    result = "dry run, would be" if sync.dry_run else "done"
    return f"{result}: {changes or 'no change'}; {counts['people']:,} people, {counts['departments']:,} departments"


def describe_stop(sync: Sync, accept_leavers: bool) -> str:
    """Return in one line why the guard stopped a run.

    It also says how to go on.
    """
    effect = "no person has lost access" if sync.is_first else "nothing was changed"
    reason = f"{sync.counts['losing']:,} of {sync.active_before:,} people would lose their access"
    if sync.accepted is not None:
        reason += f", many more than the {sync.accepted:,} accepted"
    elif accept_leavers:
        reason += "; --accept-leavers counts only after a sync that has shown them, as this one does"
    return f"stopped, {effect}: {reason}; if that is right, run again with --accept-leavers"


def list_details(sync: Sync) -> Iterator[str]:
    """Yield warnings, and a dry run's names behind each number."""
    for fault, ids in sync.report.get("warnings", {}).items():
        yield f"warning: {fault.replace('_', ' ')}: {', '.join(ids[:MOST_IDS])}"
    kinds = KINDS if sync.dry_run else ()
    for kind in (*kinds, "losing"):
        names = sync.report.get(kind, [])
        if names and (kind != "losing" or sync.failure is None):
            more = sync.counts[kind] - len(names)
            yield f"{kind.replace('_', ' ')}: {', '.join(names)}{f' and {more:,} more' if more > 0 else ''}"
