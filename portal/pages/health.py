"""For load balancers: is the process up, and can it work."""

from flask import Blueprint, jsonify

from portal.elements.doctor.installation import schema_problem

bp = Blueprint("health", __name__)
PROBLEMS = {
    "database_down": "the database does not answer, or has no tables: run flask db upgrade",
    "database_old": "the database has other tables than this version needs: run flask db upgrade",
}


@bp.get("/healthz")
def alive():
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def ready():
    """Ready when the database answers and has the tables of this version."""
    problem = schema_problem()
    return jsonify({"status": PROBLEMS.get(problem, "ok")}), 503 if problem else 200
