"""Portals with few and with many logins."""

import json


def add_logins(count):
    """Return a function that adds logins to a portal's two, until it has so many."""

    def add(elements):
        for number in range(1, count - 1):
            name = f"F{number}" if number % 2 else f"W{number}"
            if number % 2:
                elements.feishu(name)
            else:
                elements.wecom(name, redirectUri=f"{elements.base}/login/{name}/callback")
            set_title(elements, name, f"Office {number}")

    return add


def set_title(elements, name, title):
    file = elements.folder / name / "e.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "title": title}))
