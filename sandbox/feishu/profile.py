"""The profile a user token opens.

https://open.feishu.cn/document/server-docs/authentication-management/login-state-management/get
"""

from flask import Blueprint, g, request

from sandbox.company import COMPANY
from sandbox.feishu.answers import Refused, answer_json, answer_success
from sandbox.feishu.gateway import require_access
from sandbox.feishu.model import open_id, tenant, union_id, user_id
from sandbox.phone import avatar_address
from sandbox.world import world

bp = Blueprint("feishu_profile", __name__)
STAFF = ("contact:contact:readonly", "contact:contact:readonly_as_app", "contact:contact:access_as_app")
GATES = {  # field: any one of these permissions shows it
    "user_id": ("contact:user.employee_id:readonly",),
    "email": ("contact:user.email:readonly",),
    "mobile": ("contact:user.phone:readonly",),
    "enterprise_email": ("contact:user.employee:readonly",),
    "employee_no": ("contact:user.employee:readonly", *STAFF),
}
STATES = {"resigned": 20021, "exited": 20021, "frozen": 20022, "inactive": 20023}


@bp.get("/open-apis/authen/v1/user_info")
@require_access(tokens=("user",))
def user_info():
    """Answer the profile of the token's person."""
    if g.person.key not in world.feishu.directory.people:
        raise Refused(20008)
    if g.person.state in STATES:
        raise Refused(STATES[g.person.state])
    return answer_success(describe_profile(g.app, g.person))


@bp.get("/suite/passport/oauth/userinfo")
def passport_userinfo():
    """Answer the same in passport's flat, OpenID-like form."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    token = world.vault.find("user", value) if scheme == "Bearer" else None
    if not world.vault.is_live(token) or token.family != "passport" or token.person.state in STATES:
        return answer_json(
            {"error": "invalid_token", "error_description": "The access token is invalid or expired"}, 400
        )
    fields = describe_profile(token.app, token.person)
    return answer_json({"sub": fields["open_id"], "picture": fields.get("avatar_url", ""), **fields})


def describe_profile(app, person):
    """Return the fields that the application's permissions show.

    The others are absent.
    """
    fields = {
        "name": person.name,
        "en_name": person.en_name,
        "avatar_url": avatar_address(person),
        "avatar_thumb": avatar_address(person, 72),
        "avatar_middle": avatar_address(person, 240),
        "avatar_big": avatar_address(person, 640),
        "open_id": open_id(app, person),
        "union_id": union_id(app, person),
        "tenant_key": tenant(person)["key"],
        "user_id": user_id(app, person),
        "email": person.email,
        "mobile": add_country_code(person.mobile),
        "enterprise_email": person.work_email,
        "employee_no": person.number,
    }
    permitted = {name: value for name, value in fields.items() if name not in GATES or app.has_any(GATES[name])}
    return person.adjust_fields(permitted)


def add_country_code(mobile):
    """Return a mobile number with its country code."""
    return f"+86{mobile}" if mobile.isdigit() else mobile


@bp.get("/open-apis/tenant/v2/tenant/query")
@require_access("tenant:tenant:readonly", tokens=("tenant",))
def tenant_query():
    """Answer the company that the application belongs to."""
    home = COMPANY["tenants"]["home"]
    logo = f"{request.host_url}favicon.ico"
    sizes = {f"avatar_{size}": logo for size in ("origin", "72", "240", "640")}
    facts = {"name": home["name"], "display_id": home["display_id"], "tenant_tag": 0, "tenant_key": home["key"]}
    return answer_success({"tenant": {**facts, "avatar": sizes, "domain": "spruce.sandbox.invalid"}})
