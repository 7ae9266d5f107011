"""What a portal should know of people and their sessions."""

from dataclasses import dataclass, field

from sqlalchemy import delete, update
from support.admin_client import open_database
from support.portal_app import FEISHU, WECOM
from support.syncs import find_person, run_sync, sign_in_person

from portal.models import ACTIVE, Account, BindingRequest, Identity, Listing, LoginAttempt, LoginSession
from portal.pages.limits import Counters

PEOPLE = ((FEISHU, "zhangsan"), (FEISHU, "lisi"), (WECOM, "zhangsan"))


@dataclass
class PersonModel:
    """What the portal should know of a person."""

    id: int
    element: str
    key: str
    account: int | None
    state: str = "active"


@dataclass
class SessionModel:
    """A session that was opened, and whether it should work."""

    token: str
    person: int | None  # none: a one-time link
    account: int
    works: bool = True


@dataclass
class World:
    """A portal with three people, each bound to an account of their own."""

    portal: object
    sandbox: object
    people: list[tuple[int, int]] = field(default_factory=list)  # ids of people and of their accounts

    def __post_init__(self):
        for element, key in PEOPLE:
            sign_in_person(self.portal, element, key)
            run_sync(self.portal, element)
            person = find_person(self.portal, element, key)
            self.people.append((person.id, person.account_id))

    def restore(self):
        """Put everything back as it was at first."""
        self.sandbox.reset()
        self.portal.extensions["limits"] = Counters(None)
        with open_database(self.portal) as session:
            for table in (LoginAttempt, BindingRequest, LoginSession):
                session.execute(delete(table))
            session.execute(update(Identity).values(account_id=None))
            for person, account in self.people:
                values = {"account_id": account, "status": ACTIVE, "bound_how": "created"}
                session.execute(update(Identity).where(Identity.id == person).values(**values))
            session.execute(update(Account).values(active=True))
            session.execute(update(Listing).values(digest=None))  # or a sync finds what it has read before
            session.commit()
