"""STUB audit"""

from flask import render_template

from portal.pages.admin import frame

bp = frame.blueprint("audit", __name__)


@bp.get("/audit")
def show():
    return render_template("admin/audit.html")
