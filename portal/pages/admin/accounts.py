"""STUB accounts"""

from flask import render_template

from portal.pages.admin import frame

bp = frame.blueprint("accounts", __name__)


@bp.get("/accounts")
def show():
    return render_template("admin/accounts.html")
