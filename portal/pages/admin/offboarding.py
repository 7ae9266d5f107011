"""The page that ends all access to an account."""

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import search
from portal.bindings import offboarding
from portal.models import Account
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.account_applications import collect_applications
from portal.pages.admin.lookups import require_account
from portal.pages.local_addresses import lead_errors_to, redirect_to
from portal.pages.parameters import ID

bp = layout.make_blueprint("offboarding", __name__)


@bp.get(f"/accounts/{ID}/offboard")
def ask(id):
    """Show what an off-boarding ends before it is done."""
    return show_consequences(require_account(id))


@bp.post(f"/accounts/{ID}/offboard")
def offboard(id):
    """End all access to an account.

    Without `confirm` it shows first what would end.
    """
    lead_errors_to(url_for("admin_accounts.account", id=id))
    if request.form.get("confirm") != "yes":
        return show_consequences(require_account(id))
    report_ended(offboarding.offboard_account(id, by=browser.get_actor()))
    return redirect_to("admin_accounts.account", id=id)


def show_consequences(account: Account) -> str:
    """Show what would end, or why it can't."""
    return render_template(
        "admin/account_offboard.html",
        account=account,
        access=offboarding.find_access(account.id),
        applications=collect_applications(account).still_open,
        me=layout.require_administrator(),
        is_last=account.active and account.role == "admin" and search.count_accounts()["admin"] == 1,
    )


def report_ended(ended: offboarding.EndedAccess | None) -> None:
    """Tell what an off-boarding has ended."""
    if ended is None:
        flash(_("The account was already off-boarded."), "info")
        return
    people = ngettext("%(num)s person is unbound.", "%(num)s people are unbound.", ended.people)
    sessions = ngettext("%(num)s session has ended.", "%(num)s sessions have ended.", ended.sessions)
    flash(" ".join([_("The account is off-boarded."), people, sessions]), "good")
