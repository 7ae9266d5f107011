"""Proxies in front of a wiki: the right one, and those with a fault each."""

from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from sandbox.gate import Gate
from sandbox.wiki import create_app


class FaultyGate(Gate):
    """The right proxy with one fault.

    :param check: changes the headers of a check.
    :param pages: changes the headers of a request for the portal's pages.
    """

    def __init__(self, name: str, portal: str, check: Callable = dict, pages: Callable = dict):
        super().__init__(create_app(), name, portal)
        self.change_check, self.change_pages = check, pages

    def ask(self, method, address, headers, body=None):
        change = self.change_check if address.endswith("/forward-auth") else self.change_pages
        return super().ask(method, address, change(headers), body)


class ForwardingGate(Gate):
    """Hands every header of the client on to the check."""

    def check(self, request, address):
        self.sent = {name: value for name, value in request.headers if name.startswith("Remote-")}
        return super().check(request, address)

    def ask(self, method, address, headers, body=None):
        return super().ask(method, address, {**headers, **self.sent}, body)


class LeakyGate(Gate):
    """Asks the gate, and then passes the client's request on as it came."""

    def __call__(self, environ, start_response):
        request, address = Request(environ), environ["REQUEST_URI"]
        if address.startswith(self.paths):
            return super().__call__(environ, start_response)
        answer = self.check(request, address)
        return (self.app if answer.status_code == 200 else answer)(environ, start_response)


class SwallowingGate(Gate):
    """Passes the portal's pages to the application, too."""

    def pass_on(self, request, address):
        return Response("no such page", 404)


class HeaderTrustingGate(Gate):
    """Lets requests with a user's name past the gate."""

    def __call__(self, environ, start_response):
        app = self.app if "HTTP_REMOTE_USER" in environ else super().__call__
        return app(environ, start_response)


def change(**changes):
    """Return a function that changes headers; `None` removes one."""

    def apply(headers):
        changed = {**headers, **{name.replace("_", "-"): value for name, value in changes.items()}}
        return {name: value for name, value in changed.items() if value is not None}

    return apply


def answer(status, **headers):
    """Return a site that always answers alike."""
    return Response("something else", status, headers)
