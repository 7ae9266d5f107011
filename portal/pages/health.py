"""For load balancers: is the process up, and can it work."""

from functools import cache

from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, TimeoutError

from portal.models import db

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive():
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def ready():
    """Ready when the database answers and has the tables of this version."""
    try:
        found = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except (DBAPIError, TimeoutError):
        db.session.rollback()
        return jsonify({"status": "the database does not answer, or has no tables: run flask db upgrade"}), 503
    if found != newest(current_app.extensions["migrate"].directory):
        return jsonify({"status": "the database has other tables than this version needs: run flask db upgrade"}), 503
    return jsonify({"status": "ok"})


@cache
def newest(migrations: str) -> str:
    """Return the version this code's tables have."""
    return ScriptDirectory(migrations).get_current_head()
