"""The credentials of the apps themselves, one database row each: all workers together make one token call."""

import json
import secrets
import time
from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from portal import database
from portal.clocks import now
from portal.database import db
from portal.errors import UNAVAILABLE, Code
from portal.models import AppToken
from portal.providers import http

EARLY = timedelta(minutes=5)  # renewed so long before the platform's own end
LEASE = timedelta(seconds=10)  # whoever renews has so long; a worker that dies holds up nobody for longer
STEP = 0.05  # seconds between two looks
TRUSTED = 5  # seconds


class StoredToken:
    """One app's credential.

    :param provider: the provider's name.
    :param app: the app's or company's public id.
    :param secret: its secret; another secret is another row.
    :param fetch: asks the platform: returns the values as a dict and their life in seconds, or raises Code.
    """

    def __init__(self, provider, app, secret, fetch):
        self._row = {"provider": provider, "app": app, "secret_hash": database.fingerprint(secret)}
        self._key = tuple(getattr(AppToken, column) == value for column, value in self._row.items())
        self._fetch = fetch
        self._known, self._known_until = None, 0.0
        self.trusted = 0  # seconds for which what the row said is not looked up again; see `trust()`

    def get(self, stale: dict | None = None) -> dict:
        """Return valid values; pass what the platform has just refused as `stale`.

        :raises Code: what the renewal raised, ours or the one we waited for.
        """
        if self._known not in (None, stale) and time.monotonic() < self._known_until:
            return self._known
        until, seen = time.monotonic() + http.time_left(), None
        while True:
            row = self._read()
            values = None if row is None or row.value is None else json.loads(row.value)
            good = values is not None and values != stale
            if good and row.expires_at - now() > EARLY:
                return self._keep(values)
            if row is not None and seen is not None and row.tries != seen and row.failure:
                raise Code(*row.failure)
            lease = self._take_lease(row)
            if lease:
                return self._renew(lease)
            if good and row.expires_at > now():
                return values  # somebody is renewing it; the old one still works
            if time.monotonic() > until:
                raise Code(UNAVAILABLE, "another worker's token call does not end")
            seen = row.tries if row is not None and seen is None else seen
            time.sleep(STEP)

    def _keep(self, values: dict) -> dict:
        self._known, self._known_until = values, time.monotonic() + self.trusted
        return values

    def trust(self) -> None:
        """Look the row up only every few seconds from now on: for a process that makes thousands of calls."""
        self.trusted = TRUSTED

    def _read(self):
        row = db.session.execute(
            select(AppToken.value, AppToken.expires_at, AppToken.tries, AppToken.failure).where(*self._key)
        ).one_or_none()
        db.session.rollback()  # no transaction stays open while we wait or call
        return row

    def _take_lease(self, row) -> str | None:
        """Become the one who renews, if nobody is and the row is still as we read it."""
        lease = secrets.token_hex(16)
        try:
            with database.write() as session:
                if row is None:
                    session.add(AppToken(**self._row, lease=lease, leased_until=now() + LEASE))
                    return lease
                free = or_(AppToken.leased_until.is_(None), AppToken.leased_until < now())
                taken = update(AppToken).where(*self._key, free, AppToken.tries == row.tries)
                taken = taken.values(lease=lease, leased_until=now() + LEASE)
                return lease if session.execute(taken).rowcount else None
        except IntegrityError:
            return None

    def _renew(self, lease: str) -> dict:
        changes = {"failure": [UNAVAILABLE, "the token call was cut off", None]}
        try:
            values, life = self._fetch()
            changes = {"value": json.dumps(values), "expires_at": now() + timedelta(seconds=life), "failure": None}
            return self._keep(values)
        except Code as error:
            changes = {"failure": [error.code, error.reason, error.native]}
            raise
        finally:
            with database.write() as session:
                done = update(AppToken).where(*self._key, AppToken.lease == lease)
                session.execute(done.values(**changes, lease=None, leased_until=None, tries=AppToken.tries + 1))
