"""STUB elements"""

from flask import render_template

from portal.pages.admin import frame

bp = frame.blueprint("elements", __name__)


@bp.get("/elements")
def show():
    return render_template("admin/elements.html")
