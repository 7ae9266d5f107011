"""Two answers for load balancers and monitors."""

import logging

from flask import Blueprint, current_app, jsonify

from portal.health import PROBLEMS, find_database_problem
from portal.logs import log_event

log = logging.getLogger(__name__)

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive():
    """Tell that the process is up."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def ready():
    """Tell whether people could sign in.

    The database must be writable and have the tables of this version, and a login must be usable. Whether a platform
    answers does not matter, as sessions and the other platforms go on.
    """
    problem = find_database_problem() or (None if current_app.elements.list_usable() else ("no_login", ""))
    if problem is None:
        return jsonify({"status": "ok"})
    name, explanation = problem
    log_event(log, logging.WARNING, "not_ready", problem=explanation or PROBLEMS[name])
    return jsonify({"status": PROBLEMS[name]}), 503
