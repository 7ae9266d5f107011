"""STUB bindings"""

from flask import render_template

from portal.pages.admin import frame

bp = frame.blueprint("bindings", __name__)


@bp.get("/bindings")
def show():
    return render_template("admin/bindings.html")
