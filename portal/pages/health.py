"""For load balancers: is the process up, and can it work."""

import logging

from flask import Blueprint, g, jsonify

from portal.elements.doctor.installation import database_problem

log = logging.getLogger(__name__)

bp = Blueprint("health", __name__)
PROBLEMS = {  # seen by anybody: nothing here quotes the server
    "database_down": "the database cannot be used",
    "database_full": "the disk of the database is full",
    "database_read_only": "the database can only be read",
    "database_empty": "the database has no tables: run flask db upgrade",
    "database_old": "the database has other tables than this version needs: run flask db upgrade",
}


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
