"""How we talk to the platforms: kept connections, one deadline for a whole login, bounded answers, a breaker.

Sits under Authlib's client: `KeptSession` is its `OAuth2Session` on shared connections. Authlib makes a session for
every call; a new TLS handshake each time would cost more than the rest of a login.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

import requests
from authlib.consts import default_user_agent
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter

from portal.providers.breaker import Breaker
from portal.providers.causes import cause_of, find_authorities
from portal.providers.deadlines import CONNECT, POOLS, READ, current_limits, deadline, read_bounded

IDLE = 30.0  # seconds after which kept connections are given up: a middlebox may have dropped them silently
HEADERS = {"User-Agent": default_user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True)
class Heard:
    """An answer as it came: its body, the time it says it was sent, and the time it arrived here (both as seconds)."""

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


def note(response: requests.Response) -> None:
    """Add a response to the list of `collect_responses()`.

    The address it came from stays out: WeCom's holds the token.
    """
    if _heard.get() is None:
        return
    try:
        sent_at = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except ValueError:
        sent_at = None
    _heard.get().append(Heard(response.content, sent_at, time.time()))


class Transport(HTTPAdapter):
    """The connections of this process to one platform address, shared by its threads."""

    def __init__(self):
        super().__init__(pool_maxsize=64)
        self._breaker = Breaker()
        self._lock = threading.Lock()
        self._used_at = time.monotonic()

    def init_poolmanager(self, *args, **kwargs) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args, **kwargs):
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: float | None = None, **kwargs
    ) -> requests.Response:
        """Send a request within the deadline of the task under way; its answer has been read."""
        with deadline():
            limits = current_limits()
            left = limits.seconds_left()
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
            note(response)
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

    Those through a proxy are apart: a proxy that fails stops no call that goes without it.
    """
    key = origin, (proxies or {}).get("https", "")
    with _transports_lock:
        if key not in _transports:
            _transports[key] = Transport()
        return _transports[key]


def send(
    method: str,
    url: str,
    headers: Mapping[str, str] = HEADERS,
    proxies: Mapping[str, str] | None = None,
    params: Mapping | None = None,
    **words,
) -> requests.Response:
    """Send a request that needs nothing of a session.

    To make a session costs as much as a whole call.

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

    It is kept: to check an address costs a tenth of a call.
    """
    return requests.Request(method, url, HEADERS).prepare()


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class KeptSession(OAuth2Session):
    """Authlib's session, deaf to proxy variables and .netrc of the machine.

    It lives for one call and closes its own adapters then, but not the shared ones it finds here.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, trust_env=False, **kwargs)

    def get_adapter(self, url: str) -> Transport:
        return transport_to(origin_of(url), self.proxies)
