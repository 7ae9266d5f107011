"""Pretend Feishu: login pages, the QR frame, scripts for web pages, tokens in five dialects, profile and directory.

One origin plays open.feishu.cn, accounts.feishu.cn and passport.feishu.cn.
https://open.feishu.cn/document/home/index
"""

from sandbox.feishu import contact, dialects, login, profile, qr, sdk, tokens
from sandbox.feishu.answers import Refused, not_found
from sandbox.feishu.model import default_apps

PATHS = ("/open-apis/", "/oauth/", "/suite/")

__all__ = ["PATHS", "default_apps", "not_found", "register"]


def register(app):
    for part in (login, qr, sdk, tokens, dialects, profile, contact):
        app.register_blueprint(part.bp)
    app.register_error_handler(Refused, Refused.answer)
