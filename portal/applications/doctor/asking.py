"""Requests to the hosts of applications, as visitors send them.

Only registered origins are asked. No redirect is followed, and neither the machine's proxies nor its .netrc count.
"""

import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from portal.providers import causes
from portal.providers.deadlines import CONNECT, POOLS, READ, deadline

REQUEST_SECONDS, ALL_SECONDS = 5, 25  # for one request; for all of one application
MOST_READ = 256 * 1024  # bytes of an answer
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SCRIPT = {
    "Accept": "application/json",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "X-Requested-With": "XMLHttpRequest",
}
ALWAYS = {"User-Agent": "portal-doctor", "Accept-Encoding": "identity", "Connection": "close"}


@dataclass(frozen=True)
class HostAnswer:
    """What a host has answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str:
        """Return where a redirect leads, else ""."""
        return self.headers.get("Location", "") if 300 <= self.status < 400 else ""

    @property
    def fields(self) -> dict[str, Any]:
        """Return the JSON object in the body, if any."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def holds(self, text: str) -> bool:
        """Tell whether a text is somewhere in headers or body."""
        return text.encode() in self.body or any(text in value for value in self.headers.values())


class Silence(Exception):
    """A host gave no answer.

    :param cause: `name`, `refused`, `timeout`, or one of `causes.CAUSES`.
    """

    def __init__(self, cause: str):
        super().__init__(cause)
        self.cause = cause


class Adapter(HTTPAdapter):
    """Connections on which every piece arrives before the deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS


class Visitor:
    """Asks one application's hosts, within one time for all."""

    def __init__(self):
        self.ends_at = time.monotonic() + ALL_SECONDS

    def ask(self, url: str, *headers: Mapping[str, str]) -> HostAnswer:
        """Ask for a page.

        :param headers: further ones; later ones count.
        :raises Silence: when there is no answer in time.
        """
        seconds = min(REQUEST_SECONDS, self.ends_at - time.monotonic())
        if seconds <= 0:
            raise Silence("timeout")
        with deadline(seconds), requests.Session() as http:
            http.trust_env, http.headers = False, dict(ALWAYS)
            for scheme in ("http://", "https://"):
                http.mount(scheme, Adapter())
            sent = {name: value for part in headers for name, value in part.items()}
            wait = (min(CONNECT, seconds), min(READ, seconds))
            try:
                verify = causes.find_authorities()
                answer = http.get(url, headers=sent, timeout=wait, verify=verify, allow_redirects=False, stream=True)
            except requests.RequestException as error:
                raise Silence(explain_silence(error)) from None
            return HostAnswer(answer.status_code, answer.headers, read_body(answer))


def read_body(answer: requests.Response) -> bytes:
    """Return what arrives of a body in time."""
    body = bytearray()
    with suppress(OSError, HTTPException, urllib3.exceptions.HTTPError):
        while len(body) < MOST_READ and (chunk := answer.raw.read1(65536, decode_content=True)):
            body += chunk
    answer.raw.close()
    return bytes(body[:MOST_READ])


def explain_silence(error: requests.RequestException) -> str:
    """Return why there was no answer."""
    errors = list(causes.walk(error))
    if any(isinstance(inner, (socket.gaierror, urllib3.exceptions.NameResolutionError)) for inner in errors):
        return "name"
    if cause := causes.cause_of(error):
        return cause
    if any(isinstance(inner, urllib3.exceptions.NewConnectionError) for inner in errors):  # a timeout to urllib3
        return "refused"
    timeouts = (requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError)
    return "timeout" if any(isinstance(inner, timeouts) for inner in errors) else "refused"
