"""The guard, navigation and words that all administrators' pages share."""

from flask import Blueprint, request
from flask_babel import lazy_gettext as _

from portal.bindings import binding_requests
from portal.errors import FORBIDDEN, NOT_SIGNED_IN, Code
from portal.pages import browser
from portal.pages.admin import labels
from portal.pages.element_names import label_elements, label_providers
from portal.pages.pictures import allow_pictures
from portal.pages.sign_in_guards import require_fresh_sign_in
from portal.signin.sessions import SignedIn

HOME = "admin.home"
PAGES = {  # endpoint -> its name in the navigation
    HOME: _("Overview"),
    "admin_bindings.show": _("Bindings"),
    "admin_queue.show": _("Queue"),
    "admin_accounts.show": _("Accounts"),
    "admin_directory.show": _("Directory"),
    "admin_applications.show": _("Applications"),
    "admin_groups.show": _("Groups"),
    "admin_elements.show": _("Logins"),
    "admin_audit.show": _("Audit log"),
}
# Blueprints without a page in the navigation -> the page that leads to theirs.
PAGES_OF_OTHERS = dict.fromkeys(("admin_bind", "admin_bulk_accept", "admin_imports"), "admin_bindings.show")
PAGES_OF_OTHERS["admin_offboarding"] = "admin_accounts.show"
PAGES_OF_OTHERS["admin_application_secrets"] = "admin_applications.show"
PAGES_OF_OTHERS["admin_application_check"] = "admin_applications.show"


def make_blueprint(name: str, module: str) -> Blueprint:
    """Return a blueprint below `/admin`, for administrators alone.

    :param name: the page's, such as `bindings`; its endpoints begin with `admin_bindings.`
    """
    return guard_pages(Blueprint(f"admin_{name}", module, url_prefix="/admin"))


def guard_pages(bp: Blueprint) -> Blueprint:
    """Open a blueprint's pages for administrators alone, and frame them."""
    bp.before_request(check_administrator)
    bp.before_request(allow_pictures)
    bp.context_processor(collect_frame_values)
    return bp


def check_administrator() -> None:
    """Let administrators pass, before every route."""
    require_administrator()


def require_administrator() -> SignedIn:
    """Return the signed-in administrator.

    :raises Code: NOT_SIGNED_IN when no user is signed in, FORBIDDEN for other users.
    """
    me = browser.get_signed_in()
    if me is None:
        raise Code(NOT_SIGNED_IN, "an administrators' page needs a sign-in")
    if me.role != "admin":
        raise Code(FORBIDDEN, "an administrators' page needs the role admin")
    return me


def require_fresh_administrator(back: str) -> SignedIn:
    """Return the signed-in administrator, if the sign-in is recent.

    Every action that lets people in asks here first: an unattended screen is no administrator.

    :param back: the page with the form, where to go once the administrator has confirmed.
    :raises Code: as `require_administrator()`; FORBIDDEN also when the sign-in is older than ten minutes.
    """
    require_administrator()
    return require_fresh_sign_in(back, way_out=back)


def collect_frame_values() -> dict:
    """Return what all administrators' pages show.

    `waiting_count` is a function: a page that tells of a failure has no frame, and its database may be away.
    """
    names = label_providers() | label_elements()
    return {
        "admin_pages": PAGES,
        "current_page": find_current_page(),
        "waiting_count": binding_requests.count_waiting,
        "words": labels,
        "labels": names,
    }


def find_current_page() -> str | None:
    """Return the endpoint of `PAGES` that is open now.

    For a page below one of them, it is that one.
    """
    if request.endpoint == HOME:
        return HOME
    own = PAGES_OF_OTHERS.get(request.blueprint, f"{request.blueprint}.show")
    return own if own in PAGES else None
