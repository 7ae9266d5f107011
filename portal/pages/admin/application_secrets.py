"""The secrets of an application, each shown once."""

from flask import flash, render_template, url_for
from flask_babel import gettext as _

from portal.applications import application_secrets, catalogue
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.local_addresses import lead_errors_to, redirect_to
from portal.pages.parameters import ID

bp = layout.make_blueprint("application_secrets", __name__)


@bp.post("/applications/<name>/secret")
def make(name):
    """Make a secret, and show it once."""
    layout.require_fresh_administrator(lead_errors_to_application(name))
    secret = application_secrets.make_secret(name, by=browser.get_actor())
    return render_template("admin/application_secret.html", application=catalogue.find_application(name), secret=secret)


@bp.post(f"/applications/<name>/secret/{ID}/expire")
def expire(name, id):
    """End the use of a secret."""
    layout.require_fresh_administrator(lead_errors_to_application(name))
    application_secrets.expire_secret(name, id, by=browser.get_actor())
    flash(_("The secret can no longer be used."), "good")
    return redirect_to("admin_applications.application", name=name)


def lead_errors_to_application(name: str) -> str:
    """Return an application's address, and lead error pages to it."""
    return lead_errors_to(url_for("admin_applications.application", name=name, _anchor="secrets"))
