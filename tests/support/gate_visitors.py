"""Browsers over HTTP that meet the gate, whatever they send."""

import http.client
import json
import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
from support.portal_app import FEISHU, answer_platform
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

PAGE = (("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
SCRIPT = (("Accept", "*/*"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty"))
PATIENCE = 60  # seconds
AS_HYPHENS = str.maketrans("_.", "--")


@dataclass
class Answer:
    """An answer, with the address that was asked for."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    text: str
    elapsed: timedelta

    @property
    def status_code(self):
        return self.status

    @property
    def location(self):
        return urljoin(self.url, self.headers["Location"] or "")

    @property
    def json(self):
        return json.loads(self.text)

    def get_told(self, name):
        """Return what the application has received under a header's name, in any case."""
        return [value.encode("latin-1").decode() for header, value in self.json["headers"] if header.lower() == name]

    def list_identity(self):
        """Return the headers about the person that the application has received, with _ and . as well."""
        pairs = [(name.lower().translate(AS_HYPHENS), value) for name, value in self.json["headers"]]
        return sorted((name, value) for name, value in pairs if name.startswith("remote-"))


class Visitor:
    """A browser that connects to this machine, whatever the host's name.

    It keeps cookies for each host, as browsers do: without the port.

    :param port: where addresses without a port are.
    """

    def __init__(self, portal_url, port=None):
        self.portal_url, self.port, self.cookies = portal_url, port, {}

    def ask(self, url, headers=PAGE, method="GET", body=None, target=None):
        """Make one request.

        :param target: path and query as they are sent, if they are no usual ones.
        """
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        options = {"context": ssl._create_unverified_context()} if parts.scheme == "https" else {}
        began, path = time.monotonic(), target or parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        with closing(kind("127.0.0.1", parts.port or self.port, timeout=PATIENCE, **options)) as connection:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", parts.netloc), *self.list_cookies(parts.hostname), *headers):
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        self.keep_cookies(parts.hostname, answer.headers.get_all("Set-Cookie") or [])
        return Answer(url, answer.status, answer.headers, text, timedelta(seconds=time.monotonic() - began))

    def list_cookies(self, host):
        """Return the header that sends a host's cookies, if there are any."""
        held = self.cookies.get(host, {})
        return [("Cookie", "; ".join(f"{name}={value}" for name, value in held.items()))] if held else []

    def open_web_socket(self, url):
        """Return a WebSocket to an application, as a context manager."""
        parts = urlsplit(url)
        line = socket.create_connection(("127.0.0.1", parts.port), timeout=PATIENCE)
        return connect(url.replace("http", "ws", 1), sock=line, additional_headers=self.list_cookies(parts.hostname))

    def try_web_socket(self, url):
        """Return the status by which a WebSocket is refused."""
        with pytest.raises(InvalidStatus) as refusal, self.open_web_socket(url):
            pass
        return refusal.value.response.status_code

    def sign_out_of_portal(self):
        """Sign out at the portal, as its page does."""
        token = self.ask(f"{self.portal_url}/api/csrf").json["csrfToken"]
        body = urlencode({"csrf_token": token}).encode()
        form = (*PAGE, ("Content-Type", "application/x-www-form-urlencoded"))
        answer = self.ask(f"{self.portal_url}/logout", form, "POST", body)
        assert answer.status == 303, answer.text

    def keep_cookies(self, host, lines):
        jar = self.cookies.setdefault(host, {})
        for line in lines:
            for name, cookie in SimpleCookie(line).items():
                if cookie["max-age"] == "0" or "1970" in cookie["expires"]:
                    jar.pop(name, None)
                else:
                    jar[name] = cookie.value

    def walk(self, url, person=None, **options):
        """Follow redirects and return all answers.

        On the portal's login page, sign in as the person.
        """
        answers = [self.ask(url, **options)]
        for _ in range(12):
            last = answers[-1]
            if last.status in (302, 303):
                answers.append(self.ask(last.location))
            elif person and urlsplit(last.url).path == "/login" and last.status == 200:
                query = parse_qs(urlsplit(last.url).query)
                answers.append(self.ask(f"{self.portal_url}{self.scan(person, query['next'][0])}"))
            else:
                return answers
        raise AssertionError(f"too many redirects: {[answer.url for answer in answers[:6]]}")

    def scan(self, person, next_):
        """Begin a login and answer as the person.

        Return the callback's path and query.
        """
        started = self.ask(f"{self.portal_url}/login/{FEISHU}?{urlencode({'next': next_})}")
        assert started.status == 302, started.text
        return answer_platform(started.location, person)

    def sign_in(self, person):
        """Sign a person in at the portal."""
        answer = self.ask(self.portal_url + self.scan(person, "/account"))
        assert answer.location == f"{self.portal_url}/account", answer.text

    def enter(self, url, person):
        """Sign a person in at an application and return its answer."""
        last = self.walk(url, person)[-1]
        assert (last.status, last.url) == (200, url), (last.url, last.text)
        return last
