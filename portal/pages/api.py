"""JSON for scripts. Whatever else is asked under /api/ gets the envelope, too."""

from flask import Blueprint, jsonify
from flask_wtf.csrf import generate_csrf

from portal.pages.account import required

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/session")
def session():
    """Return who is signed in and how."""
    me = required()
    identity = {"element": me.element, "userId": me.user_id, "name": me.person} if me.identity_id else None
    account = {"id": me.account_id, "username": me.username, "name": me.name, "role": me.role}
    return jsonify({"account": account, "identity": identity})


@bp.get("/csrf")
def csrf():
    return jsonify({"csrfToken": generate_csrf()})
