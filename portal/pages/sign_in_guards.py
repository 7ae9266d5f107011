"""Checks inside a view that a user is signed in."""

from flask import request, url_for

from portal.accounts import search
from portal.bindings import ways_in
from portal.errors import FORBIDDEN, NOT_SIGNED_IN, Code
from portal.pages import browser, headers
from portal.pages.element_names import name_elements
from portal.signin import sessions
from portal.signin.sessions import SignedIn


class SignInTooOld(Code):
    """FORBIDDEN for a sign-in that is too old.

    Its page offers to confirm the sign-in by a scan.

    :param back: where to go once the user has confirmed.
    :param way_out: where to go if the user does not.
    """

    application: str | None = None  # the title of the one that asks; none: a page of the portal

    def __init__(self, me: SignedIn, back: str, way_out: str, elements: list):
        super().__init__(FORBIDDEN, "this needs a more recent sign-in")
        self.me, self.back, self.way_out, self.elements = me, back, way_out, elements


def require_sign_in() -> SignedIn:
    """Return the signed-in user.

    :raises Code: NOT_SIGNED_IN when there is none; the page offers the way to the login and back.
    """
    me = browser.get_signed_in()
    if me is None:
        raise Code(NOT_SIGNED_IN, f"{request.endpoint} needs a sign-in")
    return me


def require_fresh_sign_in(back: str, way_out: str | None = None) -> SignedIn:
    """Return the signed-in user, if the sign-in is recent.

    Pages that change a user's ways to sign in ask for it.

    :param back: where to go once the user has confirmed; a page, not an action.
    :param way_out: where to go if the user does not; without it, the account page.
    :raises Code: NOT_SIGNED_IN when there is none; FORBIDDEN with a page that offers to confirm.
    """
    me = require_sign_in()
    if sessions.is_fresh(me):
        return me
    raise refuse_old_sign_in(me, back, way_out or url_for("account.show"))


def refuse_old_sign_in(me: SignedIn, back: str, way_out: str) -> SignInTooOld:
    """Return the refusal of a sign-in that is too old.

    Its page offers the account's logins.
    """
    ways = ways_in.find_open_ways(ways_in.list_ways(), search.list_identities(me.account_id))
    elements = [way.element for way in ways]
    headers.allow_logins_from_forms(elements)
    headers.allow_home_from_forms(back)
    return SignInTooOld(me, back, way_out, name_elements(elements))
