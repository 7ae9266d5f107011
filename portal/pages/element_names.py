"""The names that logins and platforms have on pages."""

from collections import Counter

from flask import current_app


def label_elements() -> dict[str, str]:
    """Return the platform's name for each element."""
    return {element.name: element.label for element in current_app.elements.usable()}


def label_providers() -> dict[str, str]:
    """Return the platform's name for each provider."""
    return {element.provider: element.label for element in current_app.elements.usable()}


def name_elements(elements: list) -> list[tuple]:
    """Return each element with its name on buttons.

    That is its platform, and its title where that alone is not enough.
    """
    labels = Counter(str(element.label) for element in elements)
    return [
        (element, f"{element.label} · {element.title}" if labels[str(element.label)] > 1 else str(element.label))
        for element in elements
    ]
