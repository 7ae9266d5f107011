"""The time, and clocks of several machines that differ.

The visit's cookie tolerates the difference.
"""

import time
from collections.abc import Callable, Iterator, MutableMapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer

SKEW = 60  # seconds that another machine's clock may be ahead of ours, or behind


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def list_last_days(number: int, zone: tzinfo = UTC) -> list[date]:
    """Return a zone's last days, ending with today."""
    today = now().astimezone(zone).date()
    return [today - timedelta(days=back) for back in range(number - 1, -1, -1)]


def find_day_bounds(day: date, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
    """Return the begin and the end of a day.

    Both are in UTC, and the end is the begin of the next day.
    """
    begin, end = (datetime(*each.timetuple()[:3], tzinfo=zone) for each in (day, day + timedelta(days=1)))
    return begin.astimezone(UTC), end.astimezone(UTC)


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


class Visit(SessionMixin, MutableMapping):
    """Flask's session, read from its cookie when first used.

    Most requests of a signed-in user never ask for it.

    :param load: returns the cookie's values.
    """

    def __init__(self, load: Callable[[], dict]):
        self.load, self.accessed, self.modified = load, False, False

    @cached_property
    def values_read(self) -> dict:
        self.accessed = True
        return self.load()

    def __getitem__(self, key: str) -> Any:
        return self.values_read[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.values_read[key], self.modified = value, True

    def __delitem__(self, key: str) -> None:
        del self.values_read[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_read)

    def __len__(self) -> int:
        return len(self.values_read)


class VisitCookies(SecureCookieSessionInterface):
    """Flask's signed cookie with a signer that tolerates clocks."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = SkewedSigner
        return serializer

    def open_session(self, app: Flask, request: Request) -> Visit:
        return Visit(lambda: dict(super(VisitCookies, self).open_session(app, request) or {}))

    def save_session(self, app: Flask, session: Visit, response: Response) -> None:
        if session.accessed:
            super().save_session(app, session, response)
