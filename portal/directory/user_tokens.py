"""Tokens of people that have signed in.

They are kept, encrypted, where an element asks for it.
"""

import time
from collections.abc import Mapping
from datetime import datetime

from portal import database
from portal.database import db
from portal.errors import BAD_TOKEN, Code
from portal.models import Identity

REFRESH_WAIT, STEP = 2.0, 0.05  # seconds


def set_tokens(identity: Identity, pair: Mapping) -> None:
    """Set a person's tokens, with their app and dialect.

    A login that brings no refresh token, such as one by QR code, leaves that app's kept one in place.
    """
    app, refresh = pair.get("tokenApp"), pair.get("refreshToken")
    identity.access_token, identity.expires_at = pair["accessToken"], pair["expiresAt"]
    if refresh or identity.token_app not in (None, app):
        identity.refresh_token, identity.token_dialect = refresh, pair.get("tokenDialect")
    identity.token_app = app


def store_tokens(identity_id: int, pair: Mapping) -> None:
    """Store a person's tokens after a refresh."""
    with database.write() as session:
        set_tokens(session.get_one(Identity, identity_id), pair)


def wait_for_refresh(identity_id: int, ended: datetime, refusal: Code) -> str:
    """Return the token that another worker has just refreshed.

    A refresh token works once, so another worker may have been first.

    :param ended: the end of the token we knew.
    :raises Code: `refusal`, when no worker has within two seconds.
    """
    if refusal.code != BAD_TOKEN:
        raise refusal
    until = time.monotonic() + REFRESH_WAIT
    while time.monotonic() < until:
        identity = db.session.get_one(Identity, identity_id, populate_existing=True)
        token, ends = identity.access_token, identity.expires_at
        db.session.rollback()
        if token and ends > ended:
            return token
        time.sleep(STEP)
    raise refusal
