"""Finding an account by its username, and suggesting free ones."""

from sqlalchemy import Select, case, or_, select

from portal.database import db
from portal.models import Account
from portal.text import username_key


def select_by_username(username: str) -> Select:
    """Select the account of a username.

    Neither case nor width matter, but the exact spelling counts first.
    """
    exact = Account.username == username
    alike = select(Account).where(or_(exact, Account.username_key == username_key(username)))
    return alike.order_by(case((exact, 0), else_=1)).limit(1)


def find_by_username(username: str) -> Account | None:
    """Return the account of a username, in any spelling."""
    return db.session.scalar(select_by_username(username))


def suggest_username(wanted: str, longest: int = 255) -> str:
    """Return a username that is free.

    One that is taken gets a number.

    :param longest: characters of it.
    """
    username, number = wanted[:longest], 1
    while find_by_username(username):
        number += 1
        username = f"{wanted[: longest - 15]}-{number}"
    return username
