"""Why a call got no answer."""

import os
import ssl
from collections.abc import Iterator

import requests

# As requests and curl read them: the first that is set takes the place of the public certificate authorities.
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
CERTIFICATE = dict.fromkeys((9, 10), "certificate_expired") | dict.fromkeys((62, 63, 64), "certificate_host")  # OpenSSL
CAUSES = ("certificate_untrusted", "certificate_expired", "certificate_host", "authorities", "tls", "proxy")


class MissingAuthorities(requests.exceptions.SSLError):
    """The file or folder of certificate authorities can't be read."""


class PlatformPaused(requests.ConnectionError):
    """No calls are made for a while after repeated failures.

    :param cause: that of the last failure, as :func:`cause_of` names it.
    """

    def __init__(self, cause: str):
        super().__init__("left alone for a while after repeated failures")
        self.cause = cause


def find_authorities() -> str | bool:
    """Return the path of the certificate authorities to trust.

    It is a file or a folder. `True` means the public ones.

    :raises MissingAuthorities: when there is no such file.
    """
    path = next(filter(None, map(os.environ.get, AUTHORITIES)), None)
    if path is not None and not os.access(path, os.R_OK):
        raise MissingAuthorities("the file of certificate authorities can't be read")
    return path or True


def cause_of(error: Exception) -> str:
    """Return what kept a call from its answer.

    One of `CAUSES`, or "" for any other reason.
    """
    if isinstance(error, PlatformPaused):
        return error.cause
    errors = list(walk(error))
    for inner in errors:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return CERTIFICATE.get(inner.verify_code, "certificate_untrusted")
    if isinstance(error, MissingAuthorities) or any(getattr(inner, "library", "") == "X509" for inner in errors):
        return "authorities"
    if isinstance(error, requests.exceptions.ProxyError):
        return "proxy"
    return "tls" if isinstance(error, requests.exceptions.SSLError) else ""


def walk(error: Exception) -> Iterator[Exception]:
    """Yield an exception and those it was made of."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, Exception):
            yield from walk(inner)
