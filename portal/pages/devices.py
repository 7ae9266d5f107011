"""Names for the devices and programs behind user agents."""

import re

from flask import current_app
from flask_babel import gettext as _

SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "CrOS", "Linux")
BROWSERS = {"Edg": "Edge", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}  # product -> name
PHONE = re.compile(r"Mobile|Android|iPhone|iPad")


def describe_device(agent: str) -> str:
    """Describe a user agent, for example as "Chrome · Windows"."""
    programs = {**current_app.elements.client_programs(), **BROWSERS}
    program = next((name for product, name in programs.items() if f"{product}/" in agent), None)
    system = next((name for name in SYSTEMS if name in agent), None)
    return " · ".join(part for part in (program, system) if part) or _("unknown device")


def find_kind(agent: str) -> str:
    """Return the kind of a device: `phone` or `computer`."""
    return "phone" if is_phone(agent) else "computer"


def is_client(agent: str) -> bool:
    """Tell whether a user agent is a platform's client.

    It is a hint and no proof.
    """
    return any(element.is_client(agent) for element in current_app.elements.list_usable())


def find_lookalike(agent: str) -> str | None:
    """Return the name of an app that resembles a client.

    It can't sign in, unlike the platform's own client. Other programs have no name here.
    """
    if is_client(agent):
        return None
    apps = current_app.elements.lookalike_apps()
    return next((name for product, name in apps.items() if f"{product}/".lower() in agent.lower()), None)


def is_phone(agent: str) -> bool:
    """Tell whether a user agent seems to be a phone's."""
    return PHONE.search(agent) is not None
