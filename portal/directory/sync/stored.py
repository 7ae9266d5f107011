"""The stored people of a company, a few bytes each."""

from sqlalchemy import Select, and_, or_, select

from portal.clocks import now
from portal.database import db
from portal.models import MAY_SIGN_IN, BindingRequest, Identity, Listing, LoginSession

LISTED, IN_USE = 1, 2  # listed by the run before; bound, waiting in the queue, or with an open session
READ = b""  # in place of the bytes, once the person is read
ROWS_AT_ONCE = 2000


class StoredPeople:
    """The people stored before a run.

    It marks those that the run has read.

    :param company: provider and tenant.
    :param element: the short name.
    """

    def __init__(self, company: tuple[str, str], element: str):
        self.listed_before = 0  #: people listed by the run before
        self.active_before = 0  #: people listed or in use that may sign in
        self._people: dict[str, bytes] = {}  # subject -> status, kinds, digest
        rows = db.session.execute(select_stored(company, element).execution_options(yield_per=ROWS_AT_ONCE))
        for subject, status, is_listed, is_in_use, digest in rows:
            kinds = (LISTED if is_listed else 0) | (IN_USE if is_in_use else 0)
            self._people[subject] = bytes([status, kinds]) + bytes.fromhex(digest or "")
            self.listed_before += bool(is_listed)
            self.active_before += bool(kinds) and status in MAY_SIGN_IN
        db.session.rollback()

    def has_digest(self, subject: str, digest: bytes) -> bool:
        """Return whether the platform told the same last time."""
        stored = self._people.get(subject)
        return bool(stored) and stored[2:] == digest

    def is_read(self, subject: str) -> bool:
        return self._people.get(subject) is READ

    def mark_read(self, subject: str) -> None:
        self._people[subject] = READ

    def may_sign_in(self, subject: str) -> bool:
        """Return whether a person not read yet may sign in."""
        stored = self._people.get(subject)
        return bool(stored) and stored[0] in MAY_SIGN_IN

    def was_listed(self, subject: str) -> bool:
        """Return whether the run before listed a missing person."""
        return bool(self._people[subject][1] & LISTED)

    def list_missing(self) -> list[str]:
        """Return the subjects of people that are missing.

        They are not read, but were listed by the run before, or are in use.
        """
        return [subject for subject, stored in self._people.items() if stored is not READ and stored[1]]


def select_stored(company: tuple[str, str], element: str) -> Select:
    """Select what is kept of a company's people.

    The columns are subject, status, is listed, is in use, and digest. A person is in use that is bound, waits in the
    queue, or has an open session.
    """
    provider, tenant = company
    listing = and_(Listing.identity_id == Identity.id, Listing.element == element)
    is_open = (LoginSession.ended_at.is_(None), LoginSession.expires_at > now(), LoginSession.identity_id.is_not(None))
    is_in_use = or_(
        Identity.account_id.is_not(None),
        Identity.id.in_(select(LoginSession.identity_id).where(*is_open)),
        Identity.id.in_(select(BindingRequest.identity_id).where(BindingRequest.state == "waiting")),
    )
    columns = select(Identity.subject, Identity.status, Listing.element, is_in_use, Listing.digest)
    return columns.outerjoin(Listing, listing).where(Identity.provider == provider, Identity.tenant == tenant)
