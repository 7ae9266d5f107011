"""Pretend Feishu.

It has login pages, the QR frame, scripts for web pages, tokens in five dialects, profile and directory.
One origin plays open.feishu.cn, accounts.feishu.cn and passport.feishu.cn.
https://open.feishu.cn/document/home/index
"""

from sandbox.feishu import login, profile, qr, sdk, tokens, user_tokens
from sandbox.feishu.answers import Refused, answer_not_found
from sandbox.feishu.contact import departments, scopes, users
from sandbox.feishu.model import make_default_apps

PATHS = ("/open-apis/", "/oauth/", "/suite/")

__all__ = ["PATHS", "make_default_apps", "answer_not_found", "register"]


def register(app):
    for part in (login, qr, sdk, tokens, user_tokens, profile, users, departments, scopes):
        app.register_blueprint(part.bp)
    app.register_error_handler(Refused, Refused.answer)
