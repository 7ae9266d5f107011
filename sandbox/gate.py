"""A small reverse proxy that asks the portal before each request.

It does in a page of code what a real proxy does by configuration. An application behind it gets the headers about the
person, and gets no request of a person who may not enter.
"""

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

IDENTITY = ("Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "Remote-Subject")
PAGES = ("start", "enter", "sign-out")  # of the portal at the application's host
# Of the client's headers a check gets these alone. So no header about a person reaches it that the client made up.
CHECKED = (
    *("Host", "Cookie", "User-Agent", "Accept", "Accept-Language"),
    *("X-Requested-With", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site"),
)
OF_CONNECTION = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
OURS = OF_CONNECTION | {"server", "date"}  # headers of an answer that this server sets itself
SECONDS, LARGEST_BODY = 10, 64 * 1024  # for an answer of the portal; bytes sent to it


class Gate:
    """An application behind the portal's gate.

    :param app: the application, by WSGI.
    :param name: its name in the portal.
    :param portal: where the portal's process listens, such as `http://127.0.0.1:8000`.
    """

    def __init__(self, app, name, portal):
        self.app, self.portal, self.paths = app, urlsplit(portal).netloc, f"/_portal/{name}/"

    def __call__(self, environ, start_response):
        request, address = Request(environ), environ["REQUEST_URI"]
        path = address.partition("?")[0]
        if path.removeprefix(self.paths) in PAGES:
            return self.pass_on(request, address)(environ, start_response)
        if path.startswith("/_portal/"):  # the questions, which are no visitor's to ask
            return Response("没有此页面。 · There is no such page.\n", 404)(environ, start_response)
        answer = self.check(request, address)
        if answer.status_code != 200:
            return answer(environ, start_response)
        return self.app(set_identity(environ, answer.headers), start_response)

    def check(self, request, address):
        """Ask the portal whether the request may pass."""
        headers = {name: request.headers[name] for name in CHECKED if name in request.headers}
        headers |= {"X-Forwarded-Method": request.method, "X-Forwarded-Uri": address}
        return self.ask("GET", f"{self.paths}forward-auth", headers | describe_host(request))

    def pass_on(self, request, address):
        """Pass a request for the portal's own pages on."""
        headers = {name: value for name, value in request.headers if is_passed_on(name)}
        return self.ask(request.method, address, headers | describe_host(request), request.stream.read(LARGEST_BODY))

    def ask(self, method, address, headers, body=None):
        """Return the portal's answer as it is."""
        connection = HTTPConnection(self.portal, timeout=SECONDS)
        try:
            connection.request(method, address, body, headers)
            answer = connection.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in OURS]
            return Response(answer.read(), answer.status, kept)
        except (OSError, HTTPException):
            return Response("门户没有响应。 · The portal does not answer.\n", 503, mimetype="text/plain")
        finally:
            connection.close()


def is_passed_on(name):
    """Tell whether the portal gets this header of the client."""
    name = name.lower()
    # A proxy in front of a real portal sets X-Forwarded-For. This portal is told of no proxy and would warn of one.
    return name not in OF_CONNECTION and not name.startswith(("x-forwarded-", "remote-"))


def describe_host(request):
    """Return the headers that say which host was asked for."""
    return {"X-Forwarded-Host": request.headers.get("Host", ""), "X-Forwarded-Proto": "http"}


def set_identity(environ, headers):
    """Return the application's request.

    Each header about the person is the portal's or is not there. Cookies are left out: those of the portal are no
    business of the application.
    """
    environ = {key: value for key, value in environ.items() if key != "HTTP_COOKIE"}
    for name in IDENTITY:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        environ.pop(key, None)
        if name in headers:
            environ[key] = headers[name]
    return environ
