"""The client that all platforms share, on Authlib's client classes."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth

from portal.errors import BAD_TOKEN, EXPIRED_TOKEN, FAULT, UNAVAILABLE, Code
from portal.providers import causes, http
from portal.providers.app_tokens import StoredToken
from portal.providers.causes import PlatformPaused
from portal.providers.observing import observe
from portal.providers.person import Person

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


class PlatformBusy(Code):
    """UNAVAILABLE because of the platform's limits.

    :param told: the wait that the answer asks for, in seconds, if it does.
    :param usual: the first wait otherwise; later ones are longer.
    """

    outcome = "busy"

    def __init__(self, native: int | str | None, told: int | None, usual: float):
        super().__init__(UNAVAILABLE, "the platform limits our calls", native)
        self.told, self.usual = told, usual


class PlatformUnreachable(Code):
    """UNAVAILABLE because no answer came.

    :param cause: one of `causes.CAUSES`, or "" where it is not known.
    :param outcome: one of `metrics.CALL_OUTCOMES`.
    """

    def __init__(self, cause: str, kind: str, outcome: str = "unreachable"):
        super().__init__(UNAVAILABLE, REASONS.get(cause, f"the platform can't be reached ({kind})"))
        self.cause, self.outcome = cause, outcome


class AnswerAboutAnother(Code):
    """UNAVAILABLE because the answer is about another person."""

    def __init__(self):
        super().__init__(UNAVAILABLE, "the platform's answer is about another person")


class Expected(NamedTuple):
    """What a successful answer to a call holds.

    `field` is a key it must have, or `None` where the caller looks for one of several. `lacks_code` tells whether it
    may come without the platform's number. `numbers` translates the platform's numbers at this call only.
    """

    field: str | None
    lacks_code: bool = False
    numbers: Mapping = {}


class ProviderApp(FlaskOAuth2App):
    """An Authlib client for a platform with its own envelope.

    A subclass describes its platform with the class attributes, and overrides a step of Authlib where it differs.
    The platform's numbers are translated call by call: the same number means different things at different calls.
    All calls of a login share one deadline, answers are bounded, and an address that fails again and again is left
    alone for a while.
    """

    client_cls = http.KeptSession
    provider = ""  #: the name stored with identities
    code_key = "code"  #: where an answer keeps the platform's number
    numbers = {}  #: the platform's number -> ours, at every call
    reasons = {}  #: the platform's number -> its true cause, where one of ours covers several
    busy = {}  #: the platform's number for one of its limits -> seconds to wait where the answer does not say
    limits = ()  #: pairs: so many calls of one kind in so many seconds
    unclear = ()  #: numbers that mean an unknown person, but not that the person has left
    lasting_id = "subject"  #: the column of a stored person by which the directory is asked about them
    at_once = 1  #: calls of a directory sync under way together

    def __init__(self, framework: OAuth, name: str | None = None, **kwargs: Any):
        kwargs.setdefault("compliance_fix", self.fix_session)
        super().__init__(framework, name, **kwargs)
        self.stored_token = StoredToken(self.provider, self.app_key(), self.client_secret, self.fetch_app_token)

    def app_key(self) -> str:
        """Return the key of this app's credential.

        The address is part of it.
        """
        return f"{self.api_base_url} {self.client_id}"

    def fetch_app_token(self) -> tuple[dict, int]:
        """Ask the platform for the app's own credential.

        :return: its values, and their life in seconds.
        """
        raise NotImplementedError

    def authorization_url(self, redirect_uri: str, state: str, **extra: Any) -> str:
        """Return the address to send the browser to."""
        return self.create_authorization_url(redirect_uri, state=state, **extra)["url"]

    def person_by_code(self, code: str, **extra: Any) -> Person:
        """Return the person of a code, which is sent once.

        :raises Code: for every way this can fail.
        """
        raise NotImplementedError

    # Sending

    def ask(
        self,
        method: str,
        url: str,
        expected: Expected,
        *,
        again: bool = True,
        token: str | None = None,
        **kwargs: Any,
    ) -> dict:
        """Call the platform and return its successful answer.

        :param url: the whole address.
        :param again: whether a GET is repeated once when a gateway answers 502, 503 or 504.
        :param token: sent in the header of `token_header()`.
        :raises Code: the platform's number, translated; UNAVAILABLE when there is no usable answer.
        """
        with observe(self.provider, self.name_call(url)):
            try:
                with http.deadline():
                    response = self.send(method, url, token, **kwargs)
                    if method == "GET" and again and response.status_code in BUSY_STATUS:
                        response = self.send(method, url, token, **kwargs)
            except requests.RequestException as error:
                raise as_unreachable(error) from None
            return self.open_answer(response, expected)

    def name_call(self, url: str) -> str:
        """Return the name of a call for monitoring.

        It is the path. A platform with ids in paths leaves them out here.
        """
        return urlsplit(url).path

    def send(self, method: str, url: str, token: str | None, **kwargs: Any) -> requests.Response:
        return http.send(method, url, self.token_header(token), self.client_kwargs.get("proxies"), **kwargs)

    def token_header(self, token: str | None) -> dict[str, str]:
        """Return the header that carries a token."""
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def as_app(self, call: Callable, name: str = "access_token") -> Any:
        """Make a call with the app's own token.

        A refused token is renewed once, and the call repeated once.

        :param call: takes the token.
        :param name: which of the stored values is the token.
        :return: the result of `call`.
        """
        values = self.stored_token.get()
        try:
            return call(values[name])
        except Code as error:
            if error.code not in TOKEN_REFUSED:
                raise
        return call(self.stored_token.get(stale=values)[name])

    def exchange(self, code: str, **kwargs: Any) -> dict:
        """Exchange the code and return the opened token."""
        return self.token_call(lambda: self.fetch_access_token(code=code, **kwargs), self.access_token_url)

    def token_call(self, send: Callable, url: str) -> dict:
        """Return the result of a token request through Authlib."""
        with observe(self.provider, self.name_call(url)):
            try:
                with http.deadline():
                    return send()
            except requests.RequestException as error:
                raise as_unreachable(error) from None
            except AuthlibBaseError as error:  # its text may hold the platform's
                raise Code(UNAVAILABLE, f"the token answer can't be used ({type(error).__name__})") from None

    # Opening

    def fix_session(self, session: http.KeptSession) -> None:
        """Show Authlib the payload instead of the envelope.

        The HTTP status does not matter.
        """
        session.register_compliance_hook("access_token_response", self.open_token_response)

    def open_token_response(self, response: requests.Response) -> requests.Response:
        token = self.open_token(response)
        response.status_code, response.json = 200, lambda: token
        return response

    def open_token(self, response: requests.Response) -> dict:
        """Return the user's token from the answer to the exchange.

        :return: `{"access_token": …, …}`.
        """
        raise NotImplementedError

    def open_answer(self, response: requests.Response, expected: Expected) -> dict:
        """Return the JSON object of a successful answer.

        A success has HTTP 2xx, the integer 0 as its number, and the expected field.

        :raises Code: the translated number, or UNAVAILABLE for an answer that is not this platform's.
        """
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) and response.status_code == 429:
            raise self.refusal_of("unknown", {}, response)
        if not isinstance(body, dict):
            raise Code(UNAVAILABLE, "the platform's answer is not a JSON object", native=f"HTTP {response.status_code}")
        native = self.result_in(body, expected.lacks_code)
        if native is None and response.status_code == 429:
            raise self.refusal_of("unknown", {}, response)
        if native not in (0, None):
            raise self.refusal_of(native, {**self.numbers, **expected.numbers}, response)
        if native is None or not response.ok:
            raise Code(UNAVAILABLE, "the platform's answer makes no sense", native=f"HTTP {response.status_code}")
        if expected.field and expected.field not in body:
            raise Code(UNAVAILABLE, f"the platform's answer lacks {expected.field}")
        return body

    def result_in(self, body: dict, lacks_code: bool) -> int | str | None:
        """Return the answer's number, or its word for an error.

        A number has to be an integer: `null`, texts and fractions make no sense, and neither do answers with neither
        number nor word. For those it returns `None`.
        """
        if self.code_key in body:
            native = body[self.code_key]
            return native if type(native) is int else None
        word = body.get("error")
        if isinstance(word, str) and word:
            return word
        return 0 if lacks_code and not word else None

    def refusal_of(self, native: int | str, numbers: Mapping, response: requests.Response) -> Code:
        """Return the error for the platform's number or word."""
        if native in self.busy or response.status_code == 429:
            return PlatformBusy(native, wait_in(response), self.busy.get(native, 1))
        if isinstance(native, str) and native not in numbers:
            native = "unknown"  # foreign text is not passed on
        ours = numbers.get(native, UNAVAILABLE if response.status_code >= 500 else FAULT)
        reason = self.reasons.get(native, "the platform refused")
        return Code(ours, reason, native=native)


def wait_in(response: requests.Response) -> int | None:
    """Return the wait that the answer asks for, in seconds.

    `x-ogw-ratelimit-reset` is Feishu's name for it.
    """
    waits = (response.headers.get(name, "") for name in ("x-ogw-ratelimit-reset", "Retry-After"))
    return next((int(value) for value in waits if value.isascii() and value.isdigit()), None)


def as_unreachable(error: requests.RequestException) -> PlatformUnreachable:
    """Return UNAVAILABLE without the text of its cause.

    That text holds the address, and WeCom puts secrets there.
    """
    is_paused, is_late = isinstance(error, PlatformPaused), isinstance(error, requests.Timeout)
    outcome = "paused" if is_paused else "timeout" if is_late else "unreachable"
    return PlatformUnreachable(causes.cause_of(error), type(error).__name__, outcome)
