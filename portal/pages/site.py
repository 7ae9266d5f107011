"""The start page, the language switch, and root files."""

from flask import Blueprint, abort, current_app, redirect, request, session, url_for

from portal.pages import browser
from portal.pages.language import LANGUAGES
from portal.pages.local_addresses import choose_way_back, get_home_address

bp = Blueprint("site", __name__)


@bp.get("/")
def home():
    return redirect(get_home_address() if browser.get_signed_in() else url_for("login_page.show"), 303)


@bp.post("/language")
def language():
    """Remember the language, and show the same page again."""
    if request.form.get("language") in LANGUAGES:
        session["language"] = request.form["language"]
    return redirect(choose_way_back(request.form.get("next"), url_for("site.home")), 303)


@bp.get("/favicon.ico")
def favicon():
    """Send the icon, for browsers that ask without a page."""
    return current_app.send_static_file("favicon.svg")


@bp.get("/<file>.txt")
def domain_verification(file):
    """Send the file by which a platform checks our domain."""
    for element in current_app.elements.list_usable():
        content = element.root_files().get(f"{file}.txt")
        if content is not None:
            return content, {"Content-Type": "text/plain; charset=utf-8"}
    abort(404)
