"""HTTP to the platforms over kept connections.

All calls of a login share one deadline, answers are bounded, and a breaker stops calls to an address that fails.
`KeptSession` is Authlib's `OAuth2Session` on shared connections. Authlib makes a session for every call; a new TLS
handshake each time would cost more than the rest of a login.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from authlib.consts import default_user_agent
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter
from urllib3 import ProxyManager

from portal.providers.breaker import Breaker
from portal.providers.causes import cause_of, find_authorities
from portal.providers.deadlines import CONNECT, POOLS, READ, current_limits, deadline, read_bounded

IDLE = 30.0  # seconds after which kept connections are given up: a middlebox may have dropped them silently
HEADERS = {"User-Agent": default_user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True)
class Heard:
    """A received response.

    :param sent_at: the time it says it was sent, in seconds.
    :param came_at: the time it arrived, in seconds.
    """

    body: bytes
    sent_at: float | None
    came_at: float


_heard: ContextVar[list[Heard] | None] = ContextVar("heard", default=None)


@contextmanager
def collect_responses() -> Iterator[list[Heard]]:
    """Collect every response received inside the block."""
    token = _heard.set([])
    try:
        yield _heard.get()
    finally:
        _heard.reset(token)


def note_response(response: requests.Response) -> None:
    """Add a response to the list of `collect_responses()`.

    Its address is left out, because WeCom's holds the token.
    """
    if _heard.get() is None:
        return
    try:
        sent_at = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except ValueError:
        sent_at = None
    _heard.get().append(Heard(response.content, sent_at, time.time()))


class Transport(HTTPAdapter):
    """This process's connections to one platform address.

    Its threads share them.

    :param origin: scheme and host.
    """

    def __init__(self, origin: str):
        super().__init__(pool_maxsize=64)
        self._breaker = Breaker(origin)
        self._lock = threading.Lock()
        self._used_at = time.monotonic()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: float | None = None, **kwargs: Any
    ) -> requests.Response:
        """Send a request and read its answer within the deadline."""
        with deadline():
            limits = current_limits()
            left = limits.seconds_left
            if left <= 0:
                raise requests.Timeout("no time left for this call")
            self._breaker.check()
            self._drop_idle_connections()
            try:
                wait = (min(CONNECT, left), min(READ, left))
                kwargs["verify"] = find_authorities()
                response = super().send(request, stream=True, timeout=wait, **kwargs)
                read_bounded(response, limits)
            except requests.RequestException as error:
                self._breaker.note(failed=True, cause=cause_of(error))
                raise
            self._breaker.note(failed=response.status_code >= 500)
            note_response(response)
        if response.is_redirect:
            raise requests.TooManyRedirects("platform calls follow no redirects")
        return response

    def _drop_idle_connections(self) -> None:
        with self._lock:
            moment = time.monotonic()
            if moment - self._used_at > IDLE:
                for manager in (self.poolmanager, *self.proxy_manager.values()):
                    manager.clear()
            self._used_at = moment


_transports: dict[tuple[str, str], Transport] = {}
_transports_lock = threading.Lock()


def transport_to(origin: str, proxies: Mapping[str, str] | None) -> Transport:
    """Return the connections to an address.

    Connections through a proxy are apart, so that a failing proxy stops no direct call.
    """
    key = origin, (proxies or {}).get("https", "")
    with _transports_lock:
        if key not in _transports:
            _transports[key] = Transport(origin)
        return _transports[key]


def send(
    method: str,
    url: str,
    headers: Mapping[str, str] = HEADERS,
    proxies: Mapping[str, str] | None = None,
    params: Mapping | None = None,
    **words: Any,
) -> requests.Response:
    """Send a request without a session.

    Making a session costs as much as a whole call.

    :param params: what goes into the query.
    :param words: as `requests.Request` takes them.
    """
    if words:
        request = requests.Request(method, url, HEADERS, params=params, **words).prepare()
    else:
        request = prepare(method, url).copy()
        request.url += f"?{urlencode(params, doseq=True)}" if params else ""
    request.headers.update(headers)
    return transport_to(origin_of(request.url), proxies).send(request, proxies=proxies)


@lru_cache(maxsize=64)
def prepare(method: str, url: str) -> requests.PreparedRequest:
    """Return a request without its query.

    It is kept, because checking an address costs a tenth of a call.
    """
    return requests.Request(method, url, HEADERS).prepare()


def origin_of(url: str) -> str:
    """Return scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class KeptSession(OAuth2Session):
    """Authlib's session without the machine's proxies and .netrc.

    It lives for one call. When it ends it closes its own adapters, but not the shared ones.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, trust_env=False, **kwargs)

    def get_adapter(self, url: str) -> Transport:
        return transport_to(origin_of(url), self.proxies)
