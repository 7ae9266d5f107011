"""Pretend WeCom.

It has web login, OAuth inside the client, the identity of a visitor, and the directory.

One origin plays qyapi.weixin.qq.com, login.work.weixin.qq.com and open.weixin.qq.com.
https://developer.work.weixin.qq.com/document/path/90664
"""

from sandbox.wecom import addresses, agent, contacts, gateway, identity, login
from sandbox.wecom.answers import Refused, answer_not_found
from sandbox.wecom.model import make_default_apps

PATHS = ("/cgi-bin/", "/wwlogin/", "/wwopen/", "/connect/")

__all__ = ["PATHS", "make_default_apps", "answer_not_found", "register"]


def register(app):
    for part in (login, gateway, identity, contacts, agent, addresses):
        app.register_blueprint(part.bp)
    app.register_error_handler(Refused, Refused.answer)
