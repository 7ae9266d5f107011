"""The credentials of the apps themselves.

One database row each, so that all workers together make one token call.
"""

import json
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Row, or_, select, update
from sqlalchemy.exc import IntegrityError

from portal import database, metrics
from portal.clocks import now
from portal.database import db
from portal.errors import UNAVAILABLE, Code
from portal.models import AppToken
from portal.providers import deadlines

EARLY = timedelta(minutes=5)  # renewed so long before the platform's own end
LEASE = timedelta(seconds=10)  # a worker has so long to renew; one that dies holds up the others no longer
STEP = 0.05  # seconds between two looks
TRUSTED = 5  # seconds


class KeptToken(NamedTuple):
    """Values that were read lately.

    :param until: so long they are good in every task, on the monotonic clock.
    :param task: the limits of the task that read them; in that one they stay good.
    """

    values: dict
    until: float
    task: deadlines.Limits | None


class StoredToken:
    """One app's credential.

    :param provider: the provider's name.
    :param app: the app's or company's public id.
    :param secret: its secret; another secret is another row.
    :param fetch: asks the platform: returns the values as a dict and their life in seconds, or raises Code.
    """

    def __init__(self, provider: str, app: str, secret: str, fetch: Callable[[], tuple[dict, int]]):
        self._row = {"provider": provider, "app": app, "secret_hash": database.fingerprint(secret)}
        self._key = tuple(getattr(AppToken, column) == value for column, value in self._row.items())
        self._fetch = fetch
        self._kept: KeptToken | None = None
        self.trusted = 0  # seconds for which the row is not read again; see `trust()`

    def get(self, stale: dict | None = None) -> dict:
        """Return valid values.

        :param stale: values that the platform has just refused.
        :raises Code: as the renewal did, ours or the one we waited for.
        """
        if (values := self._find_kept()) is not None and values != stale:
            return values
        until, tries_before = time.monotonic() + deadlines.get_time_left(), None
        while True:
            row = self._read()
            values = None if row is None or row.value is None else json.loads(row.value)
            good = values is not None and values != stale
            if good and row.expires_at - now() > EARLY:
                return self._keep(values)
            if row is not None and tries_before is not None and row.tries != tries_before and row.failure:
                raise Code(*row.failure)
            lease = self._take_lease(row)
            if lease:
                return self._renew(lease)
            if good and row.expires_at > now():
                return values  # another worker renews it; the old one still works
            if time.monotonic() > until:
                raise Code(UNAVAILABLE, "another worker's token call does not end")
            tries_before = row.tries if row is not None and tries_before is None else tries_before
            time.sleep(STEP)

    def _find_kept(self) -> dict | None:
        kept, task = self._kept, deadlines.current_limits()
        is_good = kept is not None and (kept.task is task is not None or time.monotonic() < kept.until)
        return kept.values if is_good else None

    def _keep(self, values: dict) -> dict:
        self._kept = KeptToken(values, time.monotonic() + self.trusted, deadlines.current_limits())
        return values

    def trust(self) -> None:
        """Read the row only every few seconds from now on.

        This is for a process that makes thousands of calls.
        """
        self.trusted = TRUSTED

    def _read(self) -> Row | None:
        row = db.session.execute(
            select(AppToken.value, AppToken.expires_at, AppToken.tries, AppToken.failure).where(*self._key)
        ).one_or_none()
        db.session.rollback()  # no transaction stays open while we wait or call
        return row

    def _take_lease(self, row: Row | None) -> str | None:
        """Take the right to renew.

        :return: its mark; `None` where another worker renews, or the row is no longer as we read it.
        """
        lease = secrets.token_hex(16)
        try:
            with database.write() as session:
                if row is None:
                    session.add(AppToken(**self._row, lease=lease, leased_until=now() + LEASE))
                    return lease
                free = or_(AppToken.leased_until.is_(None), AppToken.leased_until < now())
                claim = update(AppToken).where(*self._key, free, AppToken.tries == row.tries)
                claim = claim.values(lease=lease, leased_until=now() + LEASE)
                return lease if session.execute(claim).rowcount else None
        except IntegrityError:
            return None

    def _renew(self, lease: str) -> dict:
        outcome, changes = "failed", {"failure": [UNAVAILABLE, "the token call was cut off", None]}
        try:
            values, life = self._fetch()
            changes = {"value": json.dumps(values), "expires_at": now() + timedelta(seconds=life), "failure": None}
            outcome = "ok"
            return self._keep(values)
        except Code as error:
            changes = {"failure": [error.code, error.reason, error.native]}
            raise
        finally:
            metrics.count_token_renewal(self._row["provider"], outcome)
            with database.write() as session:
                own_row = update(AppToken).where(*self._key, AppToken.lease == lease)
                session.execute(own_row.values(**changes, lease=None, leased_until=None, tries=AppToken.tries + 1))
