"""The page on an application's proxies, once checked."""

from collections import Counter

from flask import render_template, request

from portal.applications import catalogue, doctor
from portal.pages.admin import layout

bp = layout.make_blueprint("application_check", __name__)


@bp.post("/applications/<name>/check")
def check(name):
    """Examine an application's hosts and show what was found.

    Pages are only read, by the administrator's own sign-in where it may enter.
    """
    application = catalogue.find_application(name)
    me = layout.require_administrator()
    signed_in_as = doctor.SignedInAs(me.id, me.account_id, me.identity_id)
    return render_template(
        "admin/application_check.html",
        hosts=doctor.examine_hosts(application, signed_in_as) if application.active else {},
        application=catalogue.find_application(name),
        count_states=lambda findings: Counter(finding.state for finding in findings),
        here=request.path.removesuffix("/check"),  # the language switch leads there, too
    )
