"""WeCom's login panel, the web login in a frame.

The parameter `redirect_type` says how it hands over the outcome. `callback` tells the page around the frame by
messages, `top` or none redirects the top page, `self` the frame. A window without a page around it is redirected like
any other. `panel_size`, `lang` and `color_scheme` set the panel's look.
https://developer.work.weixin.qq.com/document/path/98152
"""

from urllib.parse import urlsplit

from flask import make_response, request

from sandbox import client, phone
from sandbox.wecom.guesses import PANEL_LIFETIME, READY, REFUSED
from sandbox.wire import dump_json
from sandbox.world import world

KINDS = ("callback", "self", "top")
SIZES = ("middle", "small")
SCHEMES = ("auto", "light", "dark")
LANGUAGES = ("zh", "en")
PANEL_PARAMETERS = {"redirect_type", "version"}  # parameters of links that panels make; the second is always there


def is_panel_request():
    """Tell whether a panel asks for the page.

    Any other frame, or the script in one, counts, too.
    """
    return not PANEL_PARAMETERS.isdisjoint(request.args) or request.headers.get("Sec-Fetch-Dest") in ("iframe", "empty")


def hands_over():
    """Tell whether a script hands over the outcome.

    Otherwise the window that asks is redirected.
    """
    kind, place = request.args.get("redirect_type"), request.headers.get("Sec-Fetch-Dest")
    if is_script_request():
        return True
    return kind != "self" and (place == "iframe" or (place is None and kind == "callback"))


def is_script_request():
    return request.accept_mimetypes.best == "application/json"


def ask_for_person(app):
    """Return the page on which the visitor picks a person.

    Its script hands over the outcome.
    """
    return render_panel(app, **phone.list_people(world.wecom))


def hand_over(app, choice, **parameters):
    """Return the outcome to the script of the page.

    Without a script in between, return a page that hands it over at once.
    """
    address = phone.add_query(request.args["redirect_uri"], **parameters)
    call = ["onLoginSuccess", {"code": parameters["code"]}] if choice.allowed else ["onLoginFail", REFUSED]
    outcome = {"address": address, "call": call}
    if is_script_request():
        answer = outcome
    else:
        answer = render_panel(app, outcome=dump_json(outcome))
    return answer if choice.silent else phone.remember_person(make_response(answer), choice.person)


def render_panel(app, **words):
    home = urlsplit(request.args["redirect_uri"])
    return phone.render_page(
        "panel.html",
        policy=phone.FRAME_POLICY,
        application=app.name,
        kind=read_word("redirect_type", KINDS, "top"),
        size=read_word("panel_size", SIZES),
        scheme=read_word("color_scheme", SCHEMES),
        lang=read_word("lang", LANGUAGES, request.accept_languages.best_match(LANGUAGES, "zh")),
        origin=f"{home.scheme}://{home.netloc}",  # a page elsewhere hears nothing
        ready=dump_json(READY | ({"supportChannel": True} if app.panel_channel else {})),
        early=dump_json(app.panel_early),
        failure=dump_json(app.panel_failure),
        lifetime=PANEL_LIFETIME,
        in_client=client.find_person(world.wecom) is not None,
        **words,
    )


def read_word(name, allowed, default=None):
    """Return a parameter of the link that is one of some words."""
    value = request.args.get(name)
    return value if value in allowed else default or allowed[0]
