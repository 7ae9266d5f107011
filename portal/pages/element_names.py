"""The names that logins and platforms have on pages."""

import re
from collections import Counter

from babel.lists import format_list
from flask import current_app
from flask_babel import get_locale

from portal.elements.meta import Meta


def label_elements() -> dict[str, str]:
    """Return the platform's name for each element."""
    return {element.name: element.label for element in current_app.elements.list_usable()}


def label_providers() -> dict[str, str]:
    """Return the platform's name for each provider."""
    return {element.provider: element.label for element in current_app.elements.list_usable()}


def badge_providers() -> dict[str, Meta]:
    """Return an element for each provider: its mark and colour."""
    return {element.provider: element for element in current_app.elements.list_usable()}


def join_platforms(style: str = "or") -> str:
    """Return the names of the platforms as one text.

    They are those of the configured logins, or all that the portal knows while there is none.

    :param style: `or` or `standard` (and), as Babel joins lists.
    """
    labels = dict.fromkeys(str(element.label) for element in current_app.elements.list_usable())
    labels = labels or dict.fromkeys(str(cls.label) for cls in current_app.elements.types.values() if cls.label)
    return format_list(list(labels), style, get_locale())


def name_elements(elements: list) -> list[tuple]:
    """Return each element with its name on buttons.

    That is its platform, and its title where that alone is not enough. Those of a platform stand together, by title.
    """
    labels = Counter(str(element.label) for element in elements)
    platforms = list(labels)
    elements = sorted(elements, key=lambda each: (platforms.index(str(each.label)), split_numbers(each.title)))
    return [
        (element, f"{element.label} · {element.title}" if labels[str(element.label)] > 1 else str(element.label))
        for element in elements
    ]


def group_by_platform(ways: list[tuple]) -> list[tuple[str, list[tuple]]]:
    """Return named elements by the name of their platform."""
    groups = {}
    for way in ways:
        groups.setdefault(str(way[0].label), []).append(way)
    return list(groups.items())


def split_numbers(title: str) -> list:
    """Return a key by which 2 comes before 11."""
    parts = re.split(r"([0-9]+)", title.casefold())
    return [(len(part.lstrip("0")), part) if at % 2 else part for at, part in enumerate(parts)]


def join_labels(elements: list, style: str = "or") -> str:
    """Return the platforms of some elements as one text."""
    return format_list(list(dict.fromkeys(str(element.label) for element in elements)), style, get_locale())
