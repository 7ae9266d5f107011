"""The steps that all kinds of login share."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import g, url_for

from portal import audit, metrics
from portal.audit import Actor
from portal.directory.cleaning import CleanPerson
from portal.elements.meta import Meta
from portal.elements.state import CODE_LONGEST
from portal.errors import BAD_CODE, BAD_STATE, CANCELLED, NOT_BOUND, Code
from portal.logs import log_event
from portal.pages import browser, limits
from portal.pages.local_addresses import accept_local_path
from portal.signin import attempts, sign_in
from portal.signin.attempts import Goal, UsedAttempt
from portal.signin.sessions import OpenedSession, SignedIn
from portal.signin.sign_in import NotBound

log = logging.getLogger(__name__)

ONE_TIME_LINK = "once"  # among the logins that are counted; no element can have this name
OUTCOMES = {NOT_BOUND: "waiting", CANCELLED: "cancelled"}
REFUSED_ACTIONS = {"bind": "binding.offer", "confirm": "login.confirm"}  # purpose -> action in the audit log


def begin_login(element: Meta, kind: str, goal: Goal) -> dict:
    """Open an attempt of this browser.

    :param goal: with `next` as it was sent.
    :return: the element's configuration, and `authorizeUrl`, the address to go to.
    :raises limits.TooManyTries: when this address has begun too many.
    """
    limits.count_attempt()
    config = element.getLoginConfig(kind=kind)
    goal = replace(goal, next=accept_local_path(goal.next))
    attempts.begin_attempt(config["state"], browser.get_browser_id(), element.name, kind, goal)
    browser.remember_attempt(config["state"])
    return {**config, "authorizeUrl": element.authorize_url(kind, config["state"])}


def identify_person(
    element: Meta, state: str, read_code: Callable[[], str], find_me: Callable[[], SignedIn | None] = lambda: None
) -> tuple[UsedAttempt, CleanPerson]:
    """Use up an attempt and identify its person.

    :param read_code: called for the login code once the attempt is used up.
    :param find_me: looks up the signed-in user, where a bind or confirm may be finished, too.
    :raises limits.TooManyTries: in place of a refusal beyond a limit, which is not recorded.
    """
    purpose, account_id = "login", None
    try:
        attempt = attempts.use_attempt(state, browser.forget_attempt(state), element.name, find_me)
        purpose, account_id = attempt.purpose, attempt.account_id
        if purpose == "login":
            g.start_again = url_for("login.start", name=element.name, next=attempt.next)
        return attempt, element.person_for(read_code(), state)
    except Code as error:
        limits.count_refused_callback(error)
        action, by = REFUSED_ACTIONS.get(purpose, "login"), Actor(account_id, browser.get_client())
        if purpose != "bind":
            metrics.count_sign_in(element.name, name_outcome(error))
        audit.record_refusal(error, action, by, account_id=account_id, element=element.name)
        raise
    except Exception:
        metrics.count_sign_in(element.name, "failed")
        raise


def sign_in_person(element: Meta, person: CleanPerson, attempt: UsedAttempt) -> OpenedSession:
    """Open a session for the person of a login.

    Whatever comes of it replaces an earlier wait of this browser.
    """
    browser.stop_waiting()
    try:
        with count_failures(element.name):
            opened = sign_in.sign_in(person, attempt, browser.get_client(), browser.get_session_token())
    except NotBound as refusal:
        if refusal.token:
            browser.give_wait(refusal.token)
        raise
    note_sign_in(element.name, attempt.kind, opened)
    return opened


def read_state(read: Callable[[], str]) -> str:
    """Return the state that a callback has sent.

    :param read: it raises for what can be none; that is a refused callback, too.
    """
    try:
        return read()
    except Code as error:
        limits.count_refused_callback(error)
        raise


# What monitoring learns


def note_sign_in(element: str, kind: str, opened: OpenedSession) -> None:
    """Log and count a sign-in."""
    metrics.count_sign_in(element, "signed_in")
    log_event(log, logging.INFO, "sign_in", element=element, kind=kind, account=opened.account_id)


@contextmanager
def count_failures(element: str) -> Iterator[None]:
    """Count a sign-in that fails inside the block."""
    try:
        yield
    except Exception as error:
        metrics.count_sign_in(element, name_outcome(error) if isinstance(error, Code) else "failed")
        raise


def name_outcome(error: Code) -> str:
    """Return which of `metrics.SIGN_IN_OUTCOMES` a refusal is."""
    if error.code in OUTCOMES:
        return OUTCOMES[error.code]
    return "failed" if error.status >= 500 else "refused"


def check_text(key: str, value: object) -> str:
    """Return a state or code if its length makes sense.

    :raises Code: BAD_STATE or BAD_CODE for anything else.
    """
    if not isinstance(value, str) or not 0 < len(value) <= CODE_LONGEST or not value.isascii():
        raise Code(BAD_STATE if key == "state" else BAD_CODE, f"{key} makes no sense")
    return value
