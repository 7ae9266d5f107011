"""What all providers share: Authlib's client on kept connections, and one way to open an answer."""

import logging

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskOAuth2App

from portal.errors import BAD_TOKEN, EXPIRED_TOKEN, FAULT, UNAVAILABLE, Code
from portal.providers import http
from portal.providers.app_tokens import StoredToken

log = logging.getLogger(__name__)

EMPTY = {
    "userId": "",
    "name": "",
    "mobile": "",
    "email": "",
    "avatar": "",
    "department": [],
    "position": "",
    "gender": 0,
    "status": 1,
    "isLeader": False,
}
KEYS = sorted(EMPTY)
TOKEN_REFUSED = (BAD_TOKEN, EXPIRED_TOKEN)
BUSY_STATUS = (502, 503, 504)
REASONS = {
    "certificate_untrusted": "the platform's certificate is not trusted: set REQUESTS_CA_BUNDLE or SSL_CERT_FILE",
    "certificate_expired": "the platform's certificate has expired or is not valid yet",
    "certificate_host": "the platform's certificate is for another host",
    "authorities": "the file of certificate authorities can't be read: check REQUESTS_CA_BUNDLE and SSL_CERT_FILE",
    "tls": "no TLS connection to the platform can be made",
    "proxy": "the proxy in httpProxy can't be reached, or refuses",
}
LARGEST = 2**63 - 1  # what a database holds as a number
DIGITS = 4000  # of a number sent as text


class Person(dict):
    """Somebody as a provider describes them: a dict in which the ten keys of `EMPTY` are always present.

    `provider`, `tenant` and `subject` say who it is. `withheld` lists the keys the platform did not tell this time
    (not given here, or `None`): they hold the empty value of their type, and never erase what is stored.
    `email` may be typed by the person; `companyEmail`, where it is told, is an address only the company can change.
    """

    def __init__(self, **known):
        known = {key: value for key, value in known.items() if value is not None}
        super().__init__({"withheld": [key for key in KEYS if key not in known], **EMPTY, **known})


class Busy(Code):
    """UNAVAILABLE because of the platform's limits.

    :param told: how many seconds the answer asks to wait, if it says.
    :param usual: else so many, and longer every time.
    """

    def __init__(self, native, told: int | None, usual: float):
        super().__init__(UNAVAILABLE, "the platform limits our calls", native)
        self.told, self.usual = told, usual


class Unreachable(Code):
    """UNAVAILABLE because no answer came.

    :param cause: what is known of it, one of `http.CAUSES` or "".
    """

    def __init__(self, cause: str, kind: str):
        super().__init__(UNAVAILABLE, REASONS.get(cause, f"the platform can't be reached ({kind})"))
        self.cause = cause


class OfAnother(Code):
    """UNAVAILABLE because an answer about a person does not name the person asked for."""

    def __init__(self):
        super().__init__(UNAVAILABLE, "the platform's answer is about somebody else")


class ProviderApp(FlaskOAuth2App):
    """An Authlib client for a platform that answers in its own envelope.

    A subclass describes its platform with the class attributes, and overrides one of Authlib's steps where it differs.
    The platform's numbers are translated call by call: the same number means different things at different calls.
    """

    client_cls = http.KeptSession
    provider = ""  #: the name stored with identities
    code_key = "code"  #: where an answer keeps the platform's number
    numbers = {}  #: the platform's number -> ours, at every call
    reasons = {}  #: the platform's number -> its true cause, where one of ours covers several
    busy = {}  #: the platform's number for one of its limits -> seconds to wait where the answer does not say
    limits = ()  #: pairs: so many calls of one kind in so many seconds
    public = ()  #: the addresses of which `limits` are known to hold
    unclear = ()  #: numbers that mean an unknown person, but not that somebody has left
    lasting_id = "subject"  #: the column of a stored person by which the directory is asked about them
    at_once = 1  #: calls of a directory sync under way together

    def __init__(self, framework, name=None, **kwargs):
        kwargs.setdefault("compliance_fix", self.fix_session)
        super().__init__(framework, name, **kwargs)
        self.stored_token = StoredToken(self.provider, self.app_key(), self.client_secret, self.fetch_app_token)

    def app_key(self) -> str:
        """Return what tells this app's credential from others of the provider; the address counts, too."""
        return f"{self.api_base_url} {self.client_id}"

    def fetch_app_token(self) -> tuple[dict, int]:
        """Ask the platform for the app's own credential: its values, and their life in seconds."""
        raise NotImplementedError

    def authorization_url(self, redirect_uri: str, state: str, **extra) -> str:
        """Return the address to send the browser to."""
        return self.create_authorization_url(redirect_uri, state=state, **extra)["url"]

    def person_by_code(self, code: str, **extra) -> Person:
        """Return who brought the code. It is sent once.

        :raises Code: for every way this can fail.
        """
        raise NotImplementedError

    # Sending

    def ask(self, method, url, *, expect, lacks_code=False, numbers=None, again=True, token=None, **kwargs):
        """Call the platform; return the answer once it is a success.

        :param url: the whole address.
        :param expect: the field a success must hold; `None` where the caller looks for one of several.
        :param lacks_code: whether a success may come without the platform's number.
        :param again: whether a GET is repeated once when a gateway answers 502, 503 or 504.
        :raises Code: translated with `numbers`; UNAVAILABLE when there is no usable answer.
        """
        try:
            with http.within():
                response = self.send(method, url, token, **kwargs)
                if method == "GET" and again and response.status_code in BUSY_STATUS:
                    response = self.send(method, url, token, **kwargs)
        except requests.RequestException as error:
            raise unreachable(error) from None
        return self.opened(response, expect, lacks_code, numbers)

    def send(self, method, url, token, **kwargs):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return http.send(method, url, headers, self.client_kwargs.get("proxies"), **kwargs)

    def as_app(self, call, name: str = "access_token"):
        """Return `call(token)` with the app's own token; when it is refused, renew it once and repeat once.

        :param name: which of the stored values is the token.
        """
        values = self.stored_token.get()
        try:
            return call(values[name])
        except Code as error:
            if error.code not in TOKEN_REFUSED:
                raise
        return call(self.stored_token.get(stale=values)[name])

    def exchange(self, code: str, **kwargs) -> dict:
        """Let Authlib exchange the code; return what `open_token` left of the answer."""
        return self.token_call(lambda: self.fetch_access_token(code=code, **kwargs))

    def token_call(self, send) -> dict:
        """Return what `send`, a token request through Authlib, brings."""
        try:
            with http.within():
                return send()
        except requests.RequestException as error:
            raise unreachable(error) from None
        except AuthlibBaseError as error:  # its text may hold the platform's
            raise Code(UNAVAILABLE, f"the token answer can't be used ({type(error).__name__})") from None

    # Opening

    def fix_session(self, session):
        """Let Authlib see the payload instead of the envelope, whatever the HTTP status."""
        session.register_compliance_hook("access_token_response", self.open_token_response)

    def open_token_response(self, response):
        token = self.open_token(response)
        response.status_code, response.json = 200, lambda: token
        return response

    def open_token(self, response) -> dict:
        """Return the user's token out of the exchange's answer, as `{"access_token": …, …}`."""
        raise NotImplementedError

    def opened(self, response, expect: str | None, lacks_code=False, numbers=None) -> dict:
        """Return the JSON object of a successful answer.

        Success: HTTP 2xx, the number is the integer 0, and the expected field is there.

        :raises Code: the translated number, or UNAVAILABLE for what is no answer of this platform.
        """
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) and response.status_code == 429:
            raise self.refused("unknown", {}, response)
        if not isinstance(body, dict):
            raise Code(UNAVAILABLE, "the platform's answer is not a JSON object", native=f"HTTP {response.status_code}")
        native = self.result_in(body, lacks_code)
        if native is None and response.status_code == 429:
            raise self.refused("unknown", {}, response)
        if native not in (0, None):
            raise self.refused(native, {**self.numbers, **(numbers or {})}, response)
        if native is None or not response.ok:
            raise Code(UNAVAILABLE, "the platform's answer makes no sense", native=f"HTTP {response.status_code}")
        if expect and expect not in body:
            raise Code(UNAVAILABLE, f"the platform's answer lacks {expect}")
        return body

    def result_in(self, body: dict, lacks_code: bool) -> int | str | None:
        """Return the answer's number, or its word for an error where it has no number; `None` for nonsense.

        A number that is there has to be an integer: `null`, texts and fractions are no result.
        """
        if self.code_key in body:
            native = body[self.code_key]
            return native if type(native) is int else None
        word = body.get("error")
        if isinstance(word, str) and word:
            return word
        return 0 if lacks_code and not word else None

    def refused(self, native, numbers: dict, response) -> Code:
        """Return the error for the platform's own number, or its word for the error where it has no number."""
        if native in self.busy or response.status_code == 429:
            return Busy(native, told_wait(response), self.busy.get(native, 1))
        if isinstance(native, str) and native not in numbers:
            native = "unknown"  # somebody else's text goes nowhere
        ours = numbers.get(native, UNAVAILABLE if response.status_code >= 500 else FAULT)
        reason = self.reasons.get(native, "the platform refused")
        return Code(ours, reason, native=native)


def told_wait(response) -> int | None:
    """Return how many seconds the answer asks us to wait: `x-ogw-ratelimit-reset` is Feishu's name for it."""
    told = (response.headers.get(name, "") for name in ("x-ogw-ratelimit-reset", "Retry-After"))
    return next((int(value) for value in told if value.isascii() and value.isdigit()), None)


def unreachable(error: requests.RequestException) -> Unreachable:
    """Return UNAVAILABLE without the cause's text: it holds the address, and WeCom puts secrets there."""
    return Unreachable(http.cause_of(error), type(error).__name__)


def text(value) -> str:
    """Return a text a platform sent, or "" for anything that is none."""
    return value if isinstance(value, str) else ""


def token_in(answer: dict, name: str) -> str:
    """Return a token a platform issued.

    :raises Code: UNAVAILABLE for what no header or address could carry.
    """
    value = text(answer.get(name))
    if not value or not value.isascii() or not value.isprintable():
        raise Code(UNAVAILABLE, f"the platform's answer holds no usable {name}")
    return value


def life_in(answer: dict, name: str) -> int:
    """Return a token's life in seconds: up to a year."""
    value = answer.get(name)
    if type(value) is not int or not 0 < value <= 31_536_000:
        raise Code(UNAVAILABLE, f"the platform's answer holds no usable {name}")
    return value


def whole(value) -> int:
    """Return a whole number that a platform sent as such or as text, else 0.

    One too large for a column becomes the largest it holds.
    """
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) <= DIGITS:
        value = int(value)
    return max(-LARGEST, min(value, LARGEST)) if type(value) is int else 0


def known(table: dict, value):
    """Return what a platform's value means, or `None` for one that is not in the table, whatever its type."""
    return table.get(value) if type(value) in (int, str) else None


def texts(value) -> list[str]:
    """Return a list of ids as text, without what is neither text nor a whole number, each once."""
    items = value if isinstance(value, list) else []
    kept = (str(item) for item in items if isinstance(item, (str, int)) and not isinstance(item, bool))
    return list(dict.fromkeys(kept))
