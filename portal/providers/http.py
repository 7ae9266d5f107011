"""How we talk to the platforms: kept connections, one deadline for a whole login, bounded answers, a breaker.

Sits under Authlib's client: `KeptSession` is its `OAuth2Session` on shared connections. Authlib makes a session for
every call; a new TLS handshake each time would cost more than the rest of a login.
"""

import io
import os
import ssl
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import client
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
import urllib3.connection
from authlib.consts import default_user_agent
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter

CONNECT, READ = 2.0, 4.0  # seconds, each at most what is left until the deadline
IDLE = 30.0  # seconds after which kept connections are given up: a middlebox may have dropped them silently
HEADERS = {"User-Agent": default_user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
FAILURES, PAUSE = 5, 15.0  # so many failures in a row, and a platform is left alone for so many seconds
# As requests and curl read them: the first that is set takes the place of the public certificate authorities.
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
CERTIFICATE = dict.fromkeys((9, 10), "certificate_expired") | dict.fromkeys((62, 63, 64), "certificate_host")  # OpenSSL
CAUSES = ("certificate_untrusted", "certificate_expired", "certificate_host", "authorities", "tls", "proxy")


@dataclass(frozen=True)
class Limits:
    """How long the calls of one task may take together (seconds), and how large one answer may be (bytes)."""

    seconds: float = 8.0
    size: int = 256 * 1024
    ends_at: float = 0.0

    def left(self) -> float:
        return self.ends_at - time.monotonic()


_limits: ContextVar[Limits | None] = ContextVar("limits", default=None)


def time_left() -> float:
    """Return how many seconds the task under way still has for its calls."""
    limits = _limits.get()
    return Limits.seconds if limits is None else limits.left()


@contextmanager
def within(seconds: float = Limits.seconds, size: int = Limits.size):
    """Let all platform calls inside share one deadline; an outer deadline goes on to count."""
    if _limits.get() is not None:
        yield
        return
    token = _limits.set(Limits(seconds, size, time.monotonic() + seconds))
    try:
        yield
    finally:
        _limits.reset(token)


@dataclass(frozen=True)
class Heard:
    """An answer as it came: its body, the time it says it was sent, and the time it arrived here (both as seconds)."""

    body: bytes
    sent_at: float | None
    came_at: float


_heard: ContextVar[list[Heard] | None] = ContextVar("heard", default=None)


@contextmanager
def listening():
    """Give a list that fills with the answers to the calls inside, for who needs more of them than their result."""
    token = _heard.set([])
    try:
        yield _heard.get()
    finally:
        _heard.reset(token)


def note(response):
    """Let who listens have the answer, without the address it came from: WeCom's holds the token."""
    if _heard.get() is None:
        return
    try:
        sent_at = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except ValueError:
        sent_at = None
    _heard.get().append(Heard(response.content, sent_at, time.time()))


class BoundedFile(io.RawIOBase):
    """A socket's stream in which every piece, of the headers too, has to come before the task's deadline."""

    def __init__(self, sock):
        self.sock, self.file = sock, sock.makefile("rb", buffering=0)

    def readable(self):
        return True

    def readinto(self, buffer):
        left = time_left()
        if left <= 0:
            raise TimeoutError("no time left for the answer")
        self.sock.settimeout(min(READ, left))
        return self.file.readinto(buffer)

    def close(self):
        self.file.close()
        super().close()


class BoundedResponse(client.HTTPResponse):
    def __init__(self, sock, *args, **kwargs):
        self.sock = sock
        super().__init__(self, *args, **kwargs)

    def makefile(self, mode):
        return io.BufferedReader(BoundedFile(self.sock))


class Pool(urllib3.HTTPConnectionPool):
    class ConnectionCls(urllib3.connection.HTTPConnection):
        response_class = BoundedResponse


class SecurePool(urllib3.HTTPSConnectionPool):
    class ConnectionCls(urllib3.connection.HTTPSConnection):
        response_class = BoundedResponse


POOLS = {"http": Pool, "https": SecurePool}


class NoAuthorities(requests.exceptions.SSLError):
    """The file or folder of certificate authorities can't be read."""


class Paused(requests.ConnectionError):
    """The platform is left alone for a while after repeated failures.

    :param cause: that of the last one, as :func:`cause_of` names it.
    """

    def __init__(self, cause: str):
        super().__init__("left alone for a while after repeated failures")
        self.cause = cause


def trusted() -> str | bool:
    """Return the file or folder of the certificate authorities to trust; `True` means the public ones.

    :raises NoAuthorities: when there is no such file.
    """
    path = next(filter(None, map(os.environ.get, AUTHORITIES)), None)
    if path is not None and not os.access(path, os.R_OK):
        raise NoAuthorities("the file of certificate authorities can't be read")
    return path or True


def cause_of(error: Exception) -> str:
    """Return the part of `CAUSES` that kept a call from its answer, or "" for any other reason."""
    if isinstance(error, Paused):
        return error.cause
    within_it = list(nested(error))
    for each in within_it:
        if isinstance(each, ssl.SSLCertVerificationError):
            return CERTIFICATE.get(each.verify_code, "certificate_untrusted")
    if isinstance(error, NoAuthorities) or any(getattr(each, "library", "") == "X509" for each in within_it):
        return "authorities"
    if isinstance(error, requests.exceptions.ProxyError):
        return "proxy"
    return "tls" if isinstance(error, requests.exceptions.SSLError) else ""


def nested(error):
    """Yield an exception and those it was made of."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, Exception):
            yield from nested(inner)


class Transport(HTTPAdapter):
    """The connections of this process to one platform address, shared by its threads."""

    def __init__(self):
        super().__init__(pool_maxsize=64)
        self._lock = threading.Lock()
        self._used_at = time.monotonic()
        self._failures, self._cause = 0, ""
        self._paused_until = 0.0

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args, **kwargs):
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(self, request, stream=False, timeout=None, **kwargs):
        with within():
            limits = _limits.get()
            left = limits.left()
            if left <= 0:
                raise requests.Timeout("no time left for this call")
            self._before()
            try:
                wait = (min(CONNECT, left), min(READ, left))
                kwargs["verify"] = trusted()
                response = super().send(request, stream=True, timeout=wait, **kwargs)
                read_bounded(response, limits)
            except requests.RequestException as error:
                self._after(failed=True, cause=cause_of(error))
                raise
            self._after(failed=response.status_code >= 500)
            note(response)
        if response.is_redirect:
            raise requests.TooManyRedirects("platform calls follow no redirects")
        return response

    def _before(self):
        with self._lock:
            moment = time.monotonic()
            if moment < self._paused_until:
                raise Paused(self._cause)
            if self._failures >= FAILURES:  # the pause is over: one call may try, the others wait on
                self._paused_until = moment + PAUSE
            if moment - self._used_at > IDLE:
                for manager in (self.poolmanager, *self.proxy_manager.values()):
                    manager.clear()
            self._used_at = moment

    def _after(self, failed: bool, cause: str = ""):
        with self._lock:
            self._cause = cause
            self._failures = self._failures + 1 if failed else 0
            self._paused_until = time.monotonic() + PAUSE if self._failures >= FAILURES else 0.0


def read_bounded(response, limits: Limits):
    """Read the body as it arrives, and stop when it gets too large."""
    body = bytearray()
    try:
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if len(body) > limits.size:
                raise requests.exceptions.ContentDecodingError("the answer is too large")
    except requests.RequestException:
        response.raw.close()
        raise
    except Exception as error:  # urllib3's and http.client's own, with the address in their text
        response.raw.close()
        raise requests.ConnectionError(type(error).__name__) from None
    response.raw.release_conn()
    response._content, response._content_consumed = bytes(body), True


_transports: dict[tuple[str, str], Transport] = {}
_transports_lock = threading.Lock()


def transport_to(origin: str, proxies: dict | None) -> Transport:
    """Return the connections to an address; a proxy that fails stops no call that goes without it."""
    key = origin, (proxies or {}).get("https", "")
    with _transports_lock:
        if key not in _transports:
            _transports[key] = Transport()
        return _transports[key]


def send(method: str, url: str, headers=(), proxies=None, params=None, **words):
    """Return the answer to a request that needs nothing of a session, whose making costs as much as a whole call.

    :param params: what goes into the query.
    :param words: as `requests.Request` takes them.
    """
    if words:
        request = requests.Request(method, url, HEADERS, params=params, **words).prepare()
    else:
        request = prepared(method, url).copy()
        request.url += f"?{urlencode(params, doseq=True)}" if params else ""
    request.headers.update(headers)
    return transport_to(origin_of(request.url), proxies).send(request, proxies=proxies)


@lru_cache(maxsize=64)
def prepared(method: str, url: str):
    """Return a request without its query: to look an address over costs a tenth of a call."""
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

    def get_adapter(self, url):
        return transport_to(origin_of(url), self.proxies)
