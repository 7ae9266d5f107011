"""The pretend phone: a page on which one picks who one is, then allows or refuses.

Each page is a form with `person` and `action` (allow or deny); both on the page's own address answer at once.
A script of ours is nowhere needed. Who was picked last is remembered in a cookie, to be picked again.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, make_response, redirect, render_template, request

from sandbox import client
from sandbox.company import Person

COOKIE = "sandbox_person"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SHOWN = 40  # people on the page; the address takes everybody
LONGEST = 200  # characters of a name on a page
UNSHOWABLE = re.compile("[\x00\ud800-\udfff]")
UNSAFE_ADDRESS = re.compile(r"[\x00-\x20\\]")
CONTENT_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"
FRAME_POLICY = f"{CONTENT_POLICY}; script-src 'self'; connect-src 'self'; frame-ancestors *"


@dataclass
class Choice:
    person: Person
    allowed: bool
    silent: bool = False  # the client answered without asking


def choose(platform, silent=False, cookie=COOKIE):
    """Return what the visitor chose, or None where the page has to ask.

    :param silent: a client that knows its user answers for them.
    """
    key = request.form.get("person") or request.args.get("person")
    action = request.form.get("action") or request.args.get("action")
    person = platform.directory.people.get(key)
    if person and action in ("allow", "deny"):
        return Choice(person, action == "allow")
    if silent:
        known = client.person(platform) or platform.directory.people.get(request.cookies.get(cookie))
        return Choice(known or platform.user, True, silent=True)
    return None


def ask(platform, brand, application, wishes=(), **words):
    """Return the page that asks who one is."""
    return page("phone.html", brand=brand, application=application, wishes=wishes, **people(platform), **words)


def people(platform):
    """Return what a page needs to let one pick who one is; picked at first is whose client this is, or who was last."""
    known = platform.directory.people
    picked = client.person(platform) or known.get(request.cookies.get(COOKIE)) or platform.user
    return {"people": [card(person) for person in list(known.values())[:SHOWN]], "picked": picked.key}


def problem(brand, number, zh, en, **words):
    """Return a platform's own error page: the browser stays there."""
    return page("problem.html", brand=brand, number=number, zh=zh, en=en, **words)


def send_back(choice, address, cookie=COOKIE, **parameters):
    """Send the browser on to the application, and remember who was picked."""
    response = redirect(with_query(address, **parameters), 302)
    return response if choice.silent else keep(response, choice.person, cookie)


def keep(response, person, cookie=COOKIE):
    """Let the browser remember who was picked."""
    response.set_cookie(cookie, person.key, max_age=365 * 86400, httponly=True, samesite="Lax")
    return response


def page(template, policy=CONTENT_POLICY, **words):
    response = make_response(render_template(template, **words))
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "no-store"
    return response


def card(person):
    """Return what a page shows of a person, freed of what UTF-8 cannot carry."""
    name, en_name, title = map(showable, (person.name, person.en_name, person.title))
    return {
        "key": person.key,
        "name": name,
        "about": [text for text in (en_name, title) if text and text != name],
        "initial": name[:1],
        "state": person.state,
        "away": person.company != "home",
        "hidden": person.hidden,
        "barred": person.barred,
    }


def showable(text):
    return UNSHOWABLE.sub("\ufffd", str(text)[:LONGEST])


def picture(person):
    """Return a person's avatar as SVG."""
    initial = showable(person.name)[:1]
    hue = sum(person.key.encode()) * 37 % 360
    body = render_template("avatar.svg", initial=initial, hue=hue)
    return Response(body, mimetype="image/svg+xml", headers={"Content-Security-Policy": CONTENT_POLICY})


def avatar(person, size=None):
    """Return the address of a person's picture; the sandbox draws one where they have none."""
    if person.avatar is not None:
        return person.avatar
    address = f"{request.host_url}_sandbox/avatar/{quote(person.key)}.svg"
    return f"{address}?size={size}" if size else address


def with_query(address, **parameters):
    """Add parameters to an address, before its fragment; None ones are left out."""
    base, mark, fragment = address.partition("#")
    query = urlencode({name: value for name, value in parameters.items() if value is not None}, quote_via=quote)
    joint = "" if not query else "&" if "?" in base else "?"
    return base + joint + query + mark + fragment


def split_address(address):
    """Return an absolute http(s) address split up, or None; what browsers might read otherwise is refused."""
    if not address or UNSAFE_ADDRESS.search(address):
        return None
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  raises on a port that is none
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else None


def is_loopback(address):
    parts = split_address(address)
    return parts is not None and parts.hostname in LOOPBACK
