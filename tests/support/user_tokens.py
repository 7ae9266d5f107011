"""Feishu's tokens of a person."""

from datetime import timedelta

from sqlalchemy import update

from portal.clocks import now
from portal.database import db
from portal.models import Identity

REFRESH_PATHS = {  # dialect: the address that refreshes a token
    "v2": "/open-apis/authen/v2/oauth/token",
    "oidc": "/open-apis/authen/v1/oidc/refresh_access_token",
    "v1": "/open-apis/authen/v1/refresh_access_token",
    "v3": "/oauth/v3/token",
    "passport": "/suite/passport/oauth/token",
}


def expire_user_token():
    """Expire the only person's token and return the person."""
    db.session.execute(update(Identity).values(expires_at=now() - timedelta(seconds=1)))
    db.session.commit()
    return db.session.query(Identity).one()
