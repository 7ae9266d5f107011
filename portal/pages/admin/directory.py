"""The page of the stored directory and of its syncs."""

from flask import current_app, flash, render_template, request, url_for
from flask_babel import format_decimal, gettext, ngettext
from flask_babel import lazy_gettext as _

from portal import health
from portal.directory import browse, jobs, runs, sync, tree
from portal.errors import SETTING_MISSING, Code, meaning
from portal.models import SyncRun
from portal.pages.admin import layout
from portal.pages.local_addresses import redirect_to
from portal.pages.parameters import read_number, read_page_number, read_sent_id, read_text

bp = layout.make_blueprint("directory", __name__)

SHOWN_RUNS = 10
PHASES = {
    "": _("starting"),
    "departments": _("reading departments"),
    "people": _("reading people"),
    "leavers": _("asking about people no longer listed"),
    "writing": _("writing what has changed"),
}
CHANGES = {
    "new": _("new"),
    "changed": _("changed"),
    "moved": _("moved"),
    "left": _("departed"),
    "out_of_sight": _("out of sight"),
}
CHANGE_NUMBERS = {
    "new": _("%(number)s new"),
    "changed": _("%(number)s changed"),
    "moved": _("%(number)s moved"),
    "left": _("%(number)s departed"),
    "out_of_sight": _("%(number)s out of sight"),
}
FAULTS = {
    "unusable_department": _("Departments with an ID that can't be stored were left out"),
    "duplicate_department": _("Departments whose ID came twice. Only the first was stored"),
    "own_parent": _("Departments that are their own parent were placed at the top"),
    "cycle": _("Departments above themselves in a circle were placed at the top"),
    "unusable_person": _("People with an ID that can't be stored were left out"),
    "unanswered_person": _("People without a usable answer from the platform were left unchanged"),
    "unread_range": _(
        "The platform does not list people who are in the app's range by name or tag, so they were not read"
    ),
    "unread_tag": _("Tags in the app's range whose members can't be read"),
    "unread_group": _("User groups in the app's range whose members can't be read"),
}
FAILURES = {
    sync.NO_PEOPLE: _(
        "The platform listed no people at all, so none were removed. Check which people the app can see."
    ),
    runs.CUT_OFF[1]: _("The process that ran it ended or was cut off. The next sync reads everything again."),
    runs.REPLACED[1]: _("A sync from the command line took its place."),
}


@bp.get("/directory")
def show():
    page, words = read_page_number(request.args), read_text(request.args.get("q"))
    providers = {element.provider: element.label for element in current_app.elements.list_usable()}
    if words:
        shown = browse.find_by_text(words, page)
    else:
        shown = browse.read_level(read_number(request.args.get("dept")), page)
    people, departments = browse.count_everything()
    here = {"shown": shown, "words": words, "providers": providers}
    here |= {"people_total": people, "departments_total": departments}
    if words or shown.department:
        return render_template("admin/directory.html", **here, trees={})
    here |= {"trees": tree.read_trees(departments)}
    syncs = collect_sync_values()
    return render_template("admin/directory.html", **here, **syncs)


@bp.get("/directory/runs")
def running():
    """Show the part that moves during a sync."""
    return render_template("admin/_runs.html", **collect_sync_values())


@bp.post("/directory/sync")
def start():
    """Ask for a sync."""
    name = request.form.get("element", "").removeprefix("auths.loginTypes.")
    if name not in {element.name for element in current_app.elements.list_syncable()}:
        raise Code(SETTING_MISSING, "there is no element of this name with a directory", status=404)
    wishes = {wish: request.form.get(wish) in ("1", "true", "on", "yes") for wish in ("dry_run", "accept_leavers")}
    is_risky = wishes["accept_leavers"]
    me = layout.require_fresh_administrator(url_for(".show")) if is_risky else layout.require_administrator()
    run = jobs.request_sync(name, me.account_id, stopped_id=read_sent_id(request.form, "run"), **wishes)
    if run is None:
        flash(gettext("A sync of this login is already running."), "stop")
    elif wishes["accept_leavers"] and run.answers_id is None:
        flash(
            gettext("The list you confirmed is out of date. A new sync has started and will show the current one."),
            "stop",
        )
    else:
        flash(gettext("The sync is running. You may leave this page."), "good")
    return redirect_to("admin_directory.show")


def collect_sync_values() -> dict:
    """Return what the page shows of syncs."""
    elements = {element.name: element for element in current_app.elements.list_syncable()}
    latest = runs.list_latest(list(elements), SHOWN_RUNS)
    newest = {}
    for run, _by in latest:
        newest.setdefault(run.element, run)
    complete = runs.find_last_complete(list(elements))
    return {
        "elements": elements,
        "latest": latest,
        "newest": newest,
        "complete": complete,
        "moving": any(run.open for run in newest.values()),
        "worker": health.is_worker_alive(),
        "every": current_app.config["PORTAL_SYNC_EVERY"],
        "phase_of": lambda run: PHASES.get(run.phase, run.phase),
        "share_of": get_share_done,
        "changes_of": describe_run,
        "why": describe_failure,
        "faults": FAULTS,
        "named_of": list_affected,
        "states": {
            "queued": ("wait", _("waiting for a worker")),
            "running": ("wait", _("running")),
            "done": ("good", _("done")),
            "stopped": ("wait", _("stopped by the guard")),
            "failed": ("bad", _("failed")),
        },
    }


def get_share_done(run: SyncRun) -> float | None:
    """Return how much of a run's phase is done.

    It is a share from 0 to 1, or `None` while that is unknown.
    """
    return sync.calculate_share(run.phase, run.counts) if run.counts else None


def describe_run(run: SyncRun) -> str:
    """Return what a run has changed, in words."""
    numbers = {kind: format_decimal(run.counts[kind]) for kind in CHANGE_NUMBERS if run.counts.get(kind)}
    parts = [str(CHANGE_NUMBERS[kind]) % {"number": number} for kind, number in numbers.items()]
    departments = sum(run.counts.get(f"departments_{kind}", 0) for kind in ("new", "changed", "removed"))
    if departments:
        parts.append(ngettext("%(num)s department", "%(num)s departments", departments))
    return gettext(", ").join(parts) or gettext("no change")


def list_affected(run: SyncRun) -> list[tuple[str, str, int]]:
    """Return the people behind a run's numbers.

    Each entry has a word for the number, the first names, and how many more there are.
    """
    kinds = {"losing": ""} if run.state == "stopped" else CHANGES if run.state == "done" else {}
    named = [(kind, word, run.report.get(kind, [])) for kind, word in kinds.items()]
    comma = gettext(", ")
    return [(word, comma.join(names), run.counts[kind] - len(names)) for kind, word, names in named if names]


def describe_failure(run: SyncRun) -> str:
    """Return why a run has ended without success."""
    number, reason, _native = run.failure
    return str(FAILURES.get(reason) or meaning(number).title)
