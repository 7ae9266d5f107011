"""What a new portal still needs."""

from flask import current_app, session

from portal.accounts import search
from portal.models import SyncRun
from portal.pages.admin import layout

CLOSED = "steps_closed"  # in the browser's own session


def list_first_steps(counts: dict, last_sync: SyncRun | None) -> dict[str, bool]:
    """Return the first steps, each with whether it is done.

    There are none once all are done, or closed after the first people were bound.
    """
    me = layout.require_administrator()
    own_count = len(search.list_identities(me.account_id))
    steps = {
        "element": bool(current_app.elements.list_usable()),
        "self": own_count > 0,
        "sync": last_sync is not None,
        "approve": counts["bound"] > own_count,
    }
    is_closed = steps["approve"] and CLOSED in session
    return {} if is_closed or all(steps.values()) else steps
