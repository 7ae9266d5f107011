"""Device names for people, made from user agents."""

from flask_babel import gettext as _

SYSTEMS = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "CrOS", "Linux")
PROGRAMS = {
    "wxwork": "WeCom",
    "Lark": "Feishu",
    "Edg": "Edge",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}


def describe_device(agent: str) -> str:
    """Return a user agent as people would say it, such as "Chrome · Windows"."""
    program = next((name for mark, name in PROGRAMS.items() if f"{mark}/" in agent), None)
    system = next((name for name in SYSTEMS if name in agent), None)
    return " · ".join(part for part in (program, system) if part) or _("unknown device")
