"""STUB queue"""

from flask import render_template

from portal.pages.admin import frame

bp = frame.blueprint("queue", __name__)


@bp.get("/queue")
def show():
    return render_template("admin/queue.html")
