"""The start page, language switch, logo and root files."""

from flask import Blueprint, Response, abort, current_app, redirect, request, session, url_for

from portal.pages import browser
from portal.pages.language import LANGUAGES
from portal.pages.local_addresses import choose_way_back, get_home_address

LOGO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
LOGO_KEPT = "public, max-age=31536000, immutable"  # its address changes with it

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


@bp.get("/logo")
def logo():
    """Send the company's logo.

    Opened by itself, an SVG could run scripts of ours, so its policy allows it styles alone.
    """
    logo = current_app.config["PORTAL_LOGO"]
    if logo is None:
        abort(404)
    answer = Response(logo.content, mimetype=logo.mimetype)
    answer.headers["Content-Security-Policy"] = LOGO_POLICY
    answer.headers["Cache-Control"] = LOGO_KEPT if request.args.get("v") == logo.version else "no-cache"
    answer.set_etag(logo.version)
    return answer.make_conditional(request)


@bp.get("/<file>.txt")
def domain_verification(file):
    """Send the file by which a platform checks our domain."""
    for element in current_app.elements.list_usable():
        content = element.root_files().get(f"{file}.txt")
        if content is not None:
            return content, {"Content-Type": "text/plain; charset=utf-8"}
    abort(404)
