"""The page of the configured logins and their checks."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from flask import current_app, render_template, request, url_for

from portal.elements import doctor
from portal.elements.doctor.installation import Installation
from portal.elements.meta import Meta
from portal.elements.registry import Broken
from portal.errors import NO_SUCH_PAGE, Code
from portal.pages.admin import layout

bp = layout.make_blueprint("elements", __name__)

OURS = "portal.elements"  # where the official Types are
MOST_OPEN = 4  # cards; the addresses of more are folded


@dataclass
class Card:
    """What the page shows of one element."""

    element: Meta | Broken
    findings: list | None = None  # of a check that has just been made
    state: str = ""  # works, broken, off
    type: str = ""
    own: bool = False
    console: list = field(default_factory=list)
    settings: list = field(default_factory=list)


@bp.get("/elements")
def show():
    return show_cards()


@bp.post("/elements/<name>/check")
def check(name):
    """Examine one element and show what was found.

    The doctor only reads at the platform.
    """
    element = current_app.elements.instances.get(name)
    if element is None:
        raise Code(NO_SUCH_PAGE, "there is no such element")
    return show_cards(name, doctor.examine(element))


def show_cards(checked_name: str | None = None, findings: list | None = None) -> str:
    """Show a card for each element.

    :param findings: of the element that has just been checked.
    """
    elements = current_app.elements
    cards = [
        make_card(element, findings if element.name == checked_name else None)
        for element in elements.instances.values()
    ]
    return render_template(
        "admin/elements.html",
        cards=sorted(cards, key=lambda card: card.state != "broken"),
        folded=len(cards) > MOST_OPEN,
        examples={} if cards else make_examples(elements.types.items()),
        broken_types=elements.broken_types,
        installation=Installation(read_forwarded_addresses()).examine(),
        counted=count_by_state,
        here=url_for("admin_elements.show"),  # of a check, too: the language switch leads there
    )


def make_card(element: Meta | Broken, findings: list | None) -> Card:
    """Return the card of an element."""
    problem = getattr(element, "problem", None)
    state = "off" if not element.isActive else "broken" if problem else "works"
    if problem:
        return Card(element, findings, state)
    cls, examiner = type(element), element.doctor(element)
    own = not cls.__module__.startswith(OURS)
    return Card(element, findings, state, cls.__name__, own, examiner.console(), examiner.settings())


def make_examples(types: Iterable[tuple[str, type[Meta]]]) -> dict[str, dict[str, str]]:
    """Return the files of a first login.

    They stand by folder and path.
    """
    examples = {}
    for name, cls in types:
        if cls.example_keys:
            folder = cls.provider.capitalize()
            described = {"title": folder, "type": f"auths.loginTypes.{name}"}
            files = {"e.json": described, f"{folder}.json": cls.example_keys}
            examples[folder] = {
                f"auths/loginTypes/{folder}/{file}": json.dumps(keys, indent=2) for file, keys in files.items()
            }
    return examples


def count_by_state(findings: list) -> Counter:
    """Return how many findings there are of each state."""
    return Counter(finding.state for finding in findings)


def read_forwarded_addresses() -> list[str]:
    """Return the addresses that proxies have noted on this request."""
    header = request.headers.get("X-Forwarded-For", "")
    return [address.strip() for address in header.split(",") if address.strip()]
