"""The words of the pages about applications."""

from dataclasses import dataclass
from datetime import date

from babel.dates import format_skeleton
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _

from portal.applications import proxy_problems
from portal.models import Application, ProxyProblem

KINDS = {"gate": _("Gate"), "oidc": "OpenID Connect"}
USERNAMES = {
    "username": _("username of the account"),
    "user_id": _("member ID"),
    "email": _("e-mail address"),
    "employee_number": _("employee number"),
}
TOLD = {  # a header of `models.HEADERS` -> what it tells
    "user": _("username"),
    "name": _("name"),
    "email": _("e-mail"),
    "groups": _("groups"),
    "subject": _("permanent ID"),
}
ENCODINGS = {"utf-8": "UTF-8", "percent": _("percent-encoded")}
PKCE = {"required": _("required"), "optional": _("optional")}
FIELD_WORDS = {"username_from": USERNAMES, "headers": TOLD, "header_encoding": ENCODINGS, "pkce": PKCE}
STATES = {"active": _("active"), "closed": _("closed to everyone"), "off": _("switched off")}


@dataclass(frozen=True)
class DescribedProblem:
    """What a proxy does wrong, and how to mend it."""

    problem: ProxyProblem
    text: str
    remedy: str


def describe_leaving(application: Application) -> list[str]:
    """Return how soon a leaver is out of an application.

    One that is behind the gate and an OpenID Connect client has two ways in.
    """
    words = [gettext("next request")] if application.hosts else []
    return words + ([describe_client_leaving(application)] if application.redirect_uris else [])


def describe_client_leaving(application: Application) -> str:
    """Return how soon a leaver is out of a client."""
    if application.backchannel_uri:
        return gettext("seconds")
    if application.refresh:
        return gettext("≤ %(number)s min", number=application.token_minutes)
    if application.session_hint:
        return gettext("up to %(number)s h", number=application.session_hint)
    return gettext("when its own session ends")


def describe_problems(problems: list[ProxyProblem], application: Application) -> list[DescribedProblem]:
    """Return what the gate has noted, in words."""
    return [describe_problem(problem, application) for problem in problems]


def describe_problem(problem: ProxyProblem, application: Application) -> DescribedProblem:
    """Return one problem of a proxy in words."""
    names = {"name": application.name, "detail": problem.detail}
    if problem.kind == proxy_problems.INCOMPLETE:
        text = gettext("The snippet of %(name)s is incomplete: %(detail)s is missing", **names)
        remedy = gettext("Copy the snippet below anew, as a whole. Until then nobody can enter through this proxy.")
    elif problem.kind == proxy_problems.HOST:
        text = gettext("Asked for %(detail)s: add it or correct the proxy", **names)
        remedy = gettext(
            "If people open the application there, add it to the hosts. If not, a proxy uses the snippet"
            " of another application."
        )
    else:
        text = gettext("A request came with %(detail)s, which only the gate may set", **names)
        remedy = gettext("The proxy passes on what visitors send. Copy the snippet below anew: it removes this header.")
    return DescribedProblem(problem, text, remedy)


def name_day(day: date) -> str:
    """Return a day's name in the reader's language."""
    return format_skeleton("MMMEd", day, locale=get_locale())
