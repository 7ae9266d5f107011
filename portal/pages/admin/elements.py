"""The configured logins: whether each works, what its platform's console has to know, and the doctor's button."""

from collections import Counter
from dataclasses import dataclass, field

from flask import current_app, render_template, request, url_for

from portal.elements import doctor
from portal.elements.doctor.installation import Installation
from portal.errors import NO_SUCH_PAGE, Code
from portal.pages.admin import layout

bp = layout.blueprint("elements", __name__)

OURS = "portal.elements"  # where the official Types are


@dataclass
class Card:
    """What the page shows of one element; `findings` is `None` unless it has just been checked."""

    element: object
    findings: list | None = None
    state: str = ""  # works, broken, off
    type: str = ""
    own: bool = False
    console: list = field(default_factory=list)
    settings: list = field(default_factory=list)


@bp.get("/elements")
def show():
    return page()


@bp.post("/elements/<name>/check")
def check(name):
    """Examine one element and show what was found; reading calls only."""
    element = current_app.elements.instances.get(name)
    if element is None:
        raise Code(NO_SUCH_PAGE, "there is no such element")
    return page(name, doctor.examine(element))


def page(checked: str | None = None, findings: list | None = None):
    elements = current_app.elements
    cards = [card(element, findings if element.name == checked else None) for element in elements.instances.values()]
    return render_template(
        "admin/elements.html",
        cards=cards,
        broken_types=elements.broken_types,
        installation=Installation(forwarded()).examine(),
        counted=counted,
        here=url_for("admin_elements.show"),  # of a check, too: the language switch leads there
    )


def card(element, findings: list | None) -> Card:
    problem = getattr(element, "problem", None)
    state = "off" if not element.isActive else "broken" if problem else "works"
    if problem:
        return Card(element, findings, state)
    cls, patient = type(element), element.doctor(element)
    own = not cls.__module__.startswith(OURS)
    return Card(element, findings, state, cls.__name__, own, patient.console(), patient.settings())


def counted(findings: list) -> Counter:
    """Return how many findings there are of each state."""
    return Counter(finding.state for finding in findings)


def forwarded() -> list[str]:
    """Return the addresses that proxies have noted on this request."""
    header = request.headers.get("X-Forwarded-For", "")
    return [address.strip() for address in header.split(",") if address.strip()]
