"""The checks that every protected Feishu call passes first.

They are token, application, address, rate and permission.

https://open.feishu.cn/document/server-docs/api-call-guide/calling-process/get-access-token
"""

from functools import wraps
from math import ceil

from flask import g, request

from sandbox.feishu.answers import Refused
from sandbox.world import world

WHOLE_CONTACT = (
    "contact:contact.base:readonly",
    "contact:contact:readonly",
    "contact:contact:readonly_as_app",
    "contact:contact:access_as_app",
)
REMEDY = (
    "Refer to the documentation to fix the error: https://open.feishu.cn/document/"
    "uAjLw4CM/ugTN1YjL4UTN24CO1UjN/trouble-shooting/how-to-fix-the-99991672-error"
)
IN_CHINESE = "应用尚未开通所需的应用身份权限：[{}]，点击链接申请并开通任一权限即可：{}"


def require_access(*scopes, tokens=("tenant", "user")):
    """Run a view for callers with token and permission.

    The view finds the application in `g.app`, and the person of a user token in `g.person`.

    :param scopes: the permissions, of which one is enough.
    :param tokens: the kinds of token.
    """

    def wrap(view):
        @wraps(view)
        def check_and_call(**values):
            token = read_bearer_token(tokens)
            check_app(token.app)
            require_scopes(token.app, scopes)
            g.app, g.person = token.app, token.person
            return view(**values)

        return check_and_call

    return wrap


def read_bearer_token(kinds):
    """Return the live token in the request's header."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not value:
        raise Refused(99991661)
    return find_live_token(kinds, value)


def find_live_token(kinds, value):
    """Return the live token with this value.

    How a wrong one is refused depends on what it looks like.
    """
    for kind in kinds:
        token = world.vault.find(kind, value)
        if world.vault.is_live(token) and token.family != "passport":
            return token
    if value.startswith(("t-", "a-")):
        raise Refused(99991663)
    raise Refused(99991668 if value.startswith(("u-", "eyJ")) else 99991671)


def check_app(app):
    if app.disabled:
        raise Refused(99991662)
    if not app.trusted_ip:
        raise Refused(99991401)
    if over := world.meter.count_call(app, request.endpoint):
        most, seconds = over
        headers = {"x-ogw-ratelimit-limit": f"{most:g}", "x-ogw-ratelimit-reset": str(ceil(seconds))}
        raise Refused(99991400, headers=headers)


def require_scopes(app, scopes, kind="action"):
    """Refuse an application that has none of these scopes.

    :param kind: what needs them: `action` for the call itself, `field` for something it is asked to show.
    """
    if not scopes or app.has_any(scopes):
        return
    names = sorted(scopes)
    link = f"{app.console}/auth?q={','.join(names)}&op_from=openapi&token_type=tenant"
    listed = ", ".join(names)
    raise Refused(
        99991672,
        listed,
        IN_CHINESE.format(listed, link) if app.brand == "feishu" else "",
        message=REMEDY,
        permission_violations=[{"type": f"{kind}_scope_required", "subject": name} for name in names],
        helps=[{"url": link, "description": "Learn more about scopes"}],
    )
