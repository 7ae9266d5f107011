"""Usernames: an account has one, however it is written."""

from sqlalchemy import Select, case, or_, select

from portal.database import db
from portal.models import Account
from portal.text import username_key


def named(username: str) -> Select:
    """Select the account of a username; neither case nor width matter, but the exact spelling counts first."""
    exact = Account.username == username
    alike = select(Account).where(or_(exact, Account.username_key == username_key(username)))
    return alike.order_by(case((exact, 0), else_=1)).limit(1)


def find(username: str) -> Account | None:
    return db.session.scalar(named(username))
