"""Pretend WeCom: web login, OAuth inside the client, who the visitor is, and the directory.

One origin plays qyapi.weixin.qq.com, login.work.weixin.qq.com and open.weixin.qq.com.
https://developer.work.weixin.qq.com/document/path/90664
"""

from sandbox.wecom import addresses, agent, contacts, gateway, identity, login
from sandbox.wecom.answers import Refused, not_found
from sandbox.wecom.model import default_apps

PATHS = ("/cgi-bin/", "/wwlogin/", "/wwopen/", "/connect/")

__all__ = ["PATHS", "default_apps", "not_found", "register"]


def register(app):
    for part in (login, gateway, identity, contacts, agent, addresses):
        app.register_blueprint(part.bp)
    app.register_error_handler(Refused, Refused.answer)
