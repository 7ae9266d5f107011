"""STUB directory"""

from flask import render_template

from portal.pages.admin import frame

bp = frame.blueprint("directory", __name__)


@bp.get("/directory")
def show():
    return render_template("admin/directory.html")
