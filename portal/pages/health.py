"""Two answers for load balancers and monitors."""

import logging

from flask import Blueprint, jsonify

from portal.health import PROBLEMS, find_problem
from portal.logs import log_event

log = logging.getLogger(__name__)

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive():
    """Tell that the process is up."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def ready():
    """Tell whether people could sign in."""
    problem = find_problem()
    if problem is None:
        return jsonify({"status": "ok"})
    name, explanation = problem
    log_event(log, logging.WARNING, "not_ready", problem=explanation or PROBLEMS[name])
    return jsonify({"status": PROBLEMS[name]}), 503
