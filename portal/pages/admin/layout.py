"""What all administrators' pages share: who may see them, and what stands around them."""

from flask import Blueprint, redirect, url_for
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from portal.database import db
from portal.errors import FORBIDDEN, NOT_SIGNED_IN, Code
from portal.models import BindingRequest
from portal.pages import account, browser

PAGES = {  # endpoint -> its name in the navigation
    "admin_bindings.show": _("Bindings"),
    "admin_queue.show": _("Queue"),
    "admin_accounts.show": _("Accounts"),
    "admin_directory.show": _("Directory"),
    "admin_elements.show": _("Elements"),
    "admin_audit.show": _("Audit"),
}

bp = Blueprint("admin", __name__, url_prefix="/admin")


def blueprint(name: str, module: str) -> Blueprint:
    """Return a blueprint below `/admin`: every route on it is for administrators alone.

    :param name: the page's, such as `bindings`; its endpoints begin with `admin_bindings.`
    """
    made = Blueprint(f"admin_{name}", module, url_prefix="/admin")
    made.before_request(guard)
    made.context_processor(navigation)
    return made


def guard() -> None:
    """Let administrators pass.

    :raises Code: NOT_SIGNED_IN when nobody is signed in, FORBIDDEN for everybody else.
    """
    administrator()


def administrator():
    """Return the administrator who is signed in (see `sessions.check`)."""
    me = browser.signed_in()
    if me is None:
        raise Code(NOT_SIGNED_IN, "an administrators' page needs a sign-in")
    if me.role != "admin":
        raise Code(FORBIDDEN, "an administrators' page needs the role admin")
    return me


def fresh(back: str):
    """Return the administrator, who has signed in lately.

    Whatever decides who gets in asks here first: an unattended screen is no administrator.

    :param back: the page with the form, where to go once they have confirmed that it is them.
    :raises Code: as `administrator()`; FORBIDDEN also when the sign-in is older than ten minutes.
    """
    administrator()
    return account.fresh(back, way_out=back)


def navigation() -> dict:
    """Return what the frame shows: the pages, and a function that counts requests in the queue.

    A page that tells of a failure has no frame, and its database may be away.
    """
    return {"admin_pages": PAGES, "waiting_count": count_waiting}


def count_waiting() -> int:
    waiting = select(func.count()).select_from(BindingRequest).where(BindingRequest.state == "waiting")
    return db.session.scalar(waiting)


@bp.get("")
def home():
    return redirect(url_for("admin_bindings.show"), 303)


bp.before_request(guard)
