"""The pretend phone, a page to pick a person.

The person then allows or refuses. Each page is a form with `person` and `action` (allow or deny). Both in the page's
own address answer at once. No page needs a script of ours. A cookie remembers the person picked last.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from flask import Response, make_response, redirect, render_template, request

from sandbox import client
from sandbox.company import Person

COOKIE = "sandbox_person"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
MOST_PEOPLE = 40  # on the page; the address takes every person
LONGEST_TEXT = 200  # characters of a name on a page
UNSHOWABLE = re.compile("[\x00\ud800-\udfff]")
UNSAFE_ADDRESS = re.compile(r"[\x00-\x20\\]")
CONTENT_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"
FRAME_POLICY = f"{CONTENT_POLICY}; script-src 'self'; connect-src 'self'; frame-ancestors *"


@dataclass
class Choice:
    person: Person
    allowed: bool
    silent: bool = False  # the client answered without asking


def read_choice(platform, silent=False, cookie=COOKIE):
    """Return the visitor's choice, or None where the page asks.

    :param silent: whether a client that knows its user answers for them.
    """
    key = request.form.get("person") or request.args.get("person")
    action = request.form.get("action") or request.args.get("action")
    person = platform.directory.people.get(key)
    if person and action in ("allow", "deny"):
        return Choice(person, action == "allow")
    if silent:
        user = client.find_person(platform) or platform.directory.people.get(request.cookies.get(cookie))
        return Choice(user or platform.user, True, silent=True)
    return None


def ask_for_person(platform, brand, application, wishes=(), **words):
    """Return the page on which the visitor picks a person."""
    people = list_people(platform)
    return render_page("phone.html", brand=brand, application=application, wishes=wishes, **people, **words)


def list_people(platform):
    """Return the people a page offers, and the picked one.

    Picked at first is the person this client belongs to, or else the one picked last. Where there are more people than
    a page shows, `find` in its address looks for a part of a name or key.
    """
    people, text = platform.directory.people, request.args.get("find", "").strip().casefold()
    picked = client.find_person(platform) or people.get(request.cookies.get(COOKIE)) or platform.user
    found = [person for person in people.values() if text in describe_for_search(person)]
    if picked not in found[:MOST_PEOPLE]:
        found, picked = ([picked, *found], picked) if not text else (found, found[0] if found else picked)
    return {
        "people": [describe_person(person) for person in found[:MOST_PEOPLE]],
        "picked": picked.key,
        "finder": describe_finder(len(people), len(found)),
    }


def describe_finder(total, found):
    """Return what the search field shows, or None where it has no use."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "find"]
    shown = {"text": request.args.get("find", ""), "kept": kept, "shown": min(found, MOST_PEOPLE), "total": total}
    return shown if total > MOST_PEOPLE else None


def describe_for_search(person):
    """Return a person's names and key in small letters."""
    return f"{person.name} {person.en_name} {person.key} {person.number}".casefold()


def show_problem(brand, number, zh, en, **words):
    """Return a platform's own error page, where the browser stays."""
    return render_page("problem.html", brand=brand, number=number, zh=zh, en=en, **words)


def redirect_back(choice, address, cookie=COOKIE, **parameters):
    """Send the browser back and remember the person."""
    response = redirect(add_query(address, **parameters), 302)
    return response if choice.silent else remember_person(response, choice.person, cookie)


def remember_person(response, person, cookie=COOKIE):
    """Make the browser remember the person picked."""
    response.set_cookie(cookie, person.key, max_age=365 * 86400, httponly=True, samesite="Lax")
    return response


def render_page(template, policy=CONTENT_POLICY, **words):
    response = make_response(render_template(template, **words))
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "no-store"
    return response


def describe_person(person):
    """Return what a page shows of a person."""
    name, en_name, title = map(clean_text, (person.name, person.en_name, person.title))
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


def clean_text(text):
    """Return a text cut short, without what UTF-8 can't carry."""
    return UNSHOWABLE.sub("\ufffd", str(text)[:LONGEST_TEXT])


def draw_avatar(person):
    """Return a person's avatar as SVG."""
    initial = clean_text(person.name)[:1]
    hue = sum(person.key.encode()) * 37 % 360
    body = render_template("avatar.svg", initial=initial, hue=hue)
    return Response(body, mimetype="image/svg+xml", headers={"Content-Security-Policy": CONTENT_POLICY})


def avatar_address(person, size=None):
    """Return the address of a person's picture.

    The sandbox draws one for a person without any.
    """
    if person.avatar is not None:
        return person.avatar
    address = f"{request.host_url}_sandbox/avatar/{quote(person.key)}.svg"
    return f"{address}?size={size}" if size else address


def add_query(address, **parameters):
    """Return an address with parameters before its fragment.

    Those that are None are left out.
    """
    base, mark, fragment = address.partition("#")
    query = urlencode({name: value for name, value in parameters.items() if value is not None}, quote_via=quote)
    joint = "" if not query else "&" if "?" in base else "?"
    return base + joint + query + mark + fragment


def split_address(address):
    """Return the parts of an absolute http(s) address, or None.

    What browsers might read in another way is refused.
    """
    if not address or UNSAFE_ADDRESS.search(address):
        return None
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  raises on a wrong port
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else None


def is_loopback(address):
    parts = split_address(address)
    return parts is not None and parts.hostname in LOOPBACK
