"""For load balancers: is the process up, and can it work."""

import logging

from flask import Blueprint, g, jsonify

from portal.health import PROBLEMS, database_problem

log = logging.getLogger(__name__)

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive():
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def ready():
    """Ready when the database can be written and has the tables of this version."""
    problem = database_problem()
    if problem is None:
        return jsonify({"status": "ok"})
    name, said = problem
    log.warning("%s not ready: %s", g.reference, said or PROBLEMS[name])
    return jsonify({"status": PROBLEMS[name]}), 503
