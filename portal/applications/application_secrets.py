"""The secrets of applications.

Two work at a time, so that a new one is in use before the old one ends.
"""

import secrets
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, or_, select

from portal import audit, database
from portal.applications.catalogue import find_application, lock_applications
from portal.audit import Actor
from portal.clocks import now
from portal.database import db, fingerprint
from portal.errors import CONFLICT, NO_SUCH_PAGE, Code, Explained
from portal.models import Application, ApplicationSecret

MOST_USABLE = 2
SHOWN = 4  # of its last letters


class TooManySecrets(Explained):
    """CONFLICT, because the application has two usable secrets."""

    def __init__(self):
        title, advice = _("This application has two secrets already"), _("Expire the one that is not in use first.")
        super().__init__(CONFLICT, "it has two usable secrets", title, advice)


def make_secret(name: str, *, by: Actor) -> str:
    """Make another secret of an application, and return it.

    It can't be read again: its hash is stored.

    :raises Code: NO_SUCH_PAGE no such application; :class:`TooManySecrets`.
    """
    secret = secrets.token_urlsafe(32)
    details = {"application": name, "hint": secret[-SHOWN:]}
    with audit.recorded("secret.make", by, refusals=TooManySecrets, details=details):
        lock_applications()
        add_secret(find_application(name), secret)
        return secret


def expire_secret(name: str, id: int, *, by: Actor) -> bool:
    """End a secret, and tell whether it was usable.

    :raises Code: NO_SUCH_PAGE no such application or secret.
    """
    with database.write():
        lock_applications()
        secret = db.session.get(ApplicationSecret, id)
        if secret is None or secret.application_id != find_application(name).id:
            raise Code(NO_SUCH_PAGE, "there is no such secret")
        moment = now()
        if secret.expires_at is not None and secret.expires_at <= moment:
            return False
        secret.expires_at = moment
        audit.record("secret.expire", by, details={"application": name, "hint": secret.hint})
        return True


def list_usable_secrets(application: Application) -> list[ApplicationSecret]:
    """Return the secrets that work now."""
    is_of_application = ApplicationSecret.application_id == application.id
    usable = select(ApplicationSecret).where(is_of_application, is_usable(now())).order_by(ApplicationSecret.id)
    return list(db.session.scalars(usable))


def is_usable(moment: datetime) -> ColumnElement[bool]:
    """Return the condition for secrets that work at a time."""
    return or_(ApplicationSecret.expires_at.is_(None), ApplicationSecret.expires_at > moment)


def add_secret(application: Application, secret: str) -> None:
    """Store a secret's hash, inside a transaction with the lock.

    :raises TooManySecrets: when two are usable.
    """
    if len(list_usable_secrets(application)) >= MOST_USABLE:
        raise TooManySecrets
    facts = {"secret_hash": fingerprint(secret), "hint": secret[-SHOWN:]}
    db.session.add(ApplicationSecret(application_id=application.id, **facts))
    db.session.flush()


def has_secret(application: Application, secret: str) -> bool:
    """Tell whether a secret is stored, expired or not."""
    stored = (ApplicationSecret.application_id == application.id, ApplicationSecret.secret_hash == fingerprint(secret))
    return db.session.scalar(select(ApplicationSecret.id).where(*stored)) is not None
