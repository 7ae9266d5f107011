"""The time, and clocks of several machines that differ.

The visit's cookie tolerates the difference.
"""

import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer

SKEW = 60  # seconds that another machine's clock may be ahead of ours, or behind


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


class SkewedSigner(TimestampSigner):
    """A signer that tolerates clocks which differ by a minute.

    itsdangerous refuses a time in the future. A visit begun on one machine would be lost on the next one.
    """

    def unsign(self, signed_value: bytes, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        value, made_at = super().unsign(signed_value, return_timestamp=True)
        age = time.time() - made_at.timestamp()
        if max_age is not None and not -SKEW <= age <= max_age + SKEW:
            raise SignatureExpired("the signature is too old, or of the future", payload=value, date_signed=made_at)
        return (value, made_at) if return_timestamp else value


class VisitCookies(SecureCookieSessionInterface):
    """Flask's signed cookie with a signer that tolerates clocks."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = SkewedSigner
        return serializer
