"""Clocks of several machines: how far they may differ, and the visit's cookie, which bears that."""

import time
from datetime import UTC, datetime

from flask.sessions import SecureCookieSessionInterface
from itsdangerous import SignatureExpired, TimestampSigner

SKEW = 60  # seconds that another machine's clock may be ahead of ours, or behind


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


class SkewedSigner(TimestampSigner):
    """A signer that takes what a machine has signed whose clock is ahead.

    itsdangerous refuses a time in the future: a visit begun on one machine would be lost on the next one.
    """

    def unsign(self, signed_value, max_age=None, return_timestamp=False):
        value, made_at = super().unsign(signed_value, return_timestamp=True)
        age = time.time() - made_at.timestamp()
        if max_age is not None and not -SKEW <= age <= max_age + SKEW:
            raise SignatureExpired("the signature is too old, or of the future", payload=value, date_signed=made_at)
        return (value, made_at) if return_timestamp else value


class VisitCookies(SecureCookieSessionInterface):
    """Flask's signed cookie, read by :class:`SkewedSigner`."""

    def get_signing_serializer(self, app):
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = SkewedSigner
        return serializer
