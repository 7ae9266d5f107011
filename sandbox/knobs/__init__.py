"""The knobs with which tests change the platforms.

Each takes a JSON object at its path under /_sandbox/ and answers JSON. Where a knob takes `provider`, it is "feishu" or
"wecom".

POST reset     resets everything to the state at the start
POST fail      {"path", "count", "status", "body", "headers", "delay", "drip", "hold", "drop", "redirect"}
               The next `count` (1) requests to a path (exact, or with *) get this answer. `delay` (seconds) alone only
               delays, so with path * and a large `count` the platforms are far away. `hold` N makes requests wait until
               there are N, 10 seconds at most. `drip` (seconds) sends the body a byte at a time. `drop` closes the
               connection. `redirect` answers 302. `%n` in the body is replaced by a number, different in each answer.
POST gate      {"path", "after"}: the first `after` (0) requests to a path pass, the others wait, two minutes at most
GET gate       answers {"waiting"}, the number of requests that wait
DELETE gate    releases the waiting requests and removes all gates
POST person    {"provider", "person", ...}: true or false for `freeze`, `resign`, `exit`, `deactivate`, `activate`,
               `hide` (out of the contact range), `bar` (not offered the application); `name`; `departments` and `leads`
               (lists of ids); `set` {field: value}, our field or a platform's; `withhold` [platform fields]; `add` true
               With `set` {"company": "linked"} the person belongs to a company linked with this one in WeCom.
               Without `provider` it changes the person on both platforms.
POST department {"provider", "department", ...}: `name`, `parent`, `leaders` (keys of people), `order`; `set` {a
               platform's field: value}; `withhold` [platform fields]; `add` true; `remove` true
               Without `provider` it changes the department on both platforms.
POST group     {"provider", "group", "users": [keys], "departments": [ids]}: a user group of Feishu, a tag of WeCom
POST app       {"provider", "app_id" or "corpid" and "agentid", ...}: makes an application or changes one
               It takes any field of `FeishuApp` or `WecomApp`, such as `secret`, `rate` (calls a second), `limits`
               (pairs, each so many calls of one kind in so many seconds), `redirect_uris`, `trusted_domain`,
               `trusted_ip`, `disabled`, `token_lifetime`, `home_url`, `callback_domain` (another domain for WeCom's web
               login), `panel_channel` true (WeCom's panel offers a port), `panel_early` true (it says `ready` before
               it is greeted), `panel_failure` {"errCode", "errMsg"} (it fails as soon as it is shown), `contact_range`
               {"departments": [ids], "users": [keys], "groups": [keys]}. Further words are `drop_permissions`,
               `expire_tokens` true, `revoke_tokens` true or, for WeCom, the number of the refusal, and `look_real`
               true for a CorpID that looks like a real company's.
POST clock     {"advance"} (seconds) moves the sandbox's clock, also in the answers' header Date
POST code      {"provider", "person", "app_id" or "corpid" and "agentid", "redirect_uri", "source", "scope",
               "code_challenge", "code_challenge_method"} answers {"code"}, a login code without a browser
POST tmp_code  {"person"} answers {"tmp_code"}, the code of a scan, for passport's authorize page
GET qr         answers {"tickets": [{"ticket", "app_id", "state", "person", "left"}]}, the QR codes that wait
               The newest is the first.
POST qr        {"ticket", "person", "action"} acts on a QR code as a phone does: `scan`, `confirm`, `refuse`, `expire`
               Without `ticket`, or with "last", it takes the newest. To confirm or refuse at once, name the person.
POST client    {"provider", "person", "jsapi"}: the person signed in in the pretend client, and for Feishu the client's
               answer to a page's script. That is `ok`, `103` (too old), `107` (the user refused), `error` (does not
               start), `never_ready`, `no_request_access` (only the older call) or `silent` (no call is ever answered).
               It applies until it is changed again.
POST portal    {"url", "feishu": [names], "wecom": [names]}: the portal the pages lead to, and its logins
GET calls      ?path= answers {"calls": [...], "connections": n}
DELETE calls   forgets the calls
"""

from flask import Blueprint

from sandbox.feishu.tickets import WrongTurn
from sandbox.knobs import apps, calls, logins, people
from sandbox.knobs.requests import BadKnob


def register(app):
    bp = Blueprint("knobs", __name__, url_prefix="/_sandbox")
    for part in (apps, calls, logins, people):
        bp.register_blueprint(part.bp)
    for error in (BadKnob, WrongTurn):
        bp.register_error_handler(error, explain_error)
    bp.register_error_handler(KeyError, explain_missing_word)
    app.register_blueprint(bp)


def explain_error(error):
    return {"error": str(error)}, 400


def explain_missing_word(error):
    return {"error": f"missing: {error}"}, 400
