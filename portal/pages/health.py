"""Two answers for load balancers and monitors."""

import logging

from flask import Blueprint, g, jsonify

from portal.health import PROBLEMS, find_database_problem

log = logging.getLogger(__name__)

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive():
    """Tell that the process is up."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def ready():
    """Tell whether the portal can work.

    The database must be writable and have the tables of this version.
    """
    problem = find_database_problem()
    if problem is None:
        return jsonify({"status": "ok"})
    name, explanation = problem
    log.warning("%s not ready: %s", g.reference, explanation or PROBLEMS[name])
    return jsonify({"status": PROBLEMS[name]}), 503
