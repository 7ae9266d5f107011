"""Who may belong together: stored people and accounts that look alike. For administrators' eyes; it signs nobody in."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Select, and_, case, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from portal.database import db
from portal.models import HAD_LEFT, LEFT, MAY_SIGN_IN, Account, Department, Identity, Membership

BEFORE, NUMBER, EMAIL, OWN_EMAIL, LEAVER, NAME = 6, 5, 4, 3, 2, 1  # how strong a reason is
REASONS = {
    BEFORE: "before",  # and of somebody who had left meanwhile, `returned`
    NUMBER: "employee_number",
    EMAIL: "email",  # which only the company can change
    OWN_EMAIL: "own_email",  # which people may type themselves
    LEAVER: "leaver",
    NAME: "name_department",
}
STRONG = (BEFORE, NUMBER, EMAIL)  # the others never bind many at once
OPEN = and_(Identity.account_id.is_(None), Identity.status.in_(MAY_SIGN_IN))  # for whom there is something to suggest


@dataclass(frozen=True)
class Suggestion:
    """A person and an account that may belong together.

    :param strengths: of all its reasons, the strongest first.
    :param holder: who of the person's company the account has already.
    """

    person: Identity
    account: Account
    strengths: tuple[int, ...]
    holder: Identity | None

    @property
    def reasons(self) -> list[str]:
        returned = {BEFORE: "returned"} if self.returned else {}
        return [returned.get(strength, REASONS[strength]) for strength in self.strengths]

    @property
    def returned(self) -> bool:
        """Return whether the person had left since: their id may be a new colleague's now."""
        return self.person.bound_how == HAD_LEFT

    @property
    def weak(self) -> bool:
        """Return whether chance or the person alone may explain it."""
        strong = {strength for strength in self.strengths if strength in STRONG}
        return not strong - ({BEFORE} if self.returned else set())


def for_people(people: Iterable[Identity]) -> dict[int, list[Suggestion]]:
    """Return for each person, by id, the accounts that may be theirs, the best first."""
    return found(Identity.id.in_([person.id for person in people]))


def for_account(account: Account) -> list[Suggestion]:
    """Return the unbound people who may own an account, the best first."""
    each = [suggestion for fits in found(OPEN, Account.id == account.id).values() for suggestion in fits]
    return sorted(each, key=lambda suggestion: suggestion.strengths, reverse=True)


def found(*conditions) -> dict[int, list[Suggestion]]:
    """Return the suggestions that meet the conditions on `Identity` and `Account`, by the person's id."""
    strengths = defaultdict(set)
    for person_id, account_id, strength in db.session.execute(matches(*conditions)):
        strengths[person_id, account_id].add(strength)
    people = by_id({person_id for person_id, _ in strengths})
    accounts, holders = with_holders({account_id for _, account_id in strengths})
    made = defaultdict(list)
    for (person_id, account_id), own in strengths.items():
        person = people[person_id]
        if EMAIL in own:
            own.discard(OWN_EMAIL)  # it is the same address
        if person.account_id != account_id:
            holder = holders.get((account_id, person.provider, person.tenant))
            made[person_id].append(Suggestion(person, accounts[account_id], tuple(sorted(own, reverse=True)), holder))
    for suggestions in made.values():
        suggestions.sort(key=lambda each: ([-strength for strength in each.strengths], each.account.id))
    return made


def by_id(ids: set[int]) -> dict[int, Identity]:
    """Return the people of these ids; those the session holds already cost no query."""
    held = {id: db.session.identity_map.get(db.session.identity_key(Identity, id)) for id in ids}
    missing = [id for id, row in held.items() if row is None]
    rows = db.session.scalars(select(Identity).where(Identity.id.in_(missing))) if missing else ()
    return held | {row.id: row for row in rows}


def with_holders(ids: set[int]) -> tuple[dict[int, Account], dict[tuple, Identity]]:
    """Return these accounts by id, and their people by account, provider and tenant."""
    pairs = select(Account, Identity).outerjoin(Identity, Identity.account_id == Account.id).where(Account.id.in_(ids))
    rows = db.session.execute(pairs).all() if ids else ()
    holders = {(one.account_id, one.provider, one.tenant): one for _, one in rows if one}
    return {account.id: account for account, _ in rows}, holders


def in_conflict(suggestions: list[Suggestion]) -> bool:
    """Return whether the best suggestion needs somebody to decide: its account is taken, or two fit equally."""
    if not suggestions:
        return False
    best = suggestions[0]
    return best.holder is not None or any(each.strengths[0] == best.strengths[0] for each in suggestions[1:])


def clear(suggestions: list[Suggestion]) -> Suggestion | None:
    """Return the suggestion one can follow without a further thought."""
    return suggestions[0] if suggestions and not in_conflict(suggestions) else None


# The same in the database


def matches(*conditions) -> Select:
    """Select who may belong together: `identity_id`, `account_id`, `strength`; a pair comes once for each reason.

    Disabled accounts and what an administrator has turned down are left out.
    """
    known, number, company_email, email = (
        known_people(),
        Identity.employee_number,
        Identity.company_email,
        Identity.email_folded,
    )
    same = {  # strength -> when an account, and when somebody known of it, is like the person
        NUMBER: (number != "", Account.employee_number == number, known.c.employee_number == number),
        EMAIL: (company_email != "", Account.email_folded == company_email, known.c.company_email == company_email),
        OWN_EMAIL: (
            email != "",
            Account.email_folded == email,
            or_(
                known.c.email_folded == email,
                known.c.company_email == email,
                and_(company_email != "", known.c.email_folded == company_email),
            ),
        ),
    }
    return union_all(
        pairs(BEFORE, Account.id == Identity.last_account_id, *conditions),
        *(pairs(strength, and_(told, alike), *conditions) for strength, (told, alike, _) in same.items()),
        *(known_pairs(known, strength, and_(told, alike), *conditions) for strength, (told, _, alike) in same.items()),
        leaver_pairs(*conditions),
        seat_pairs(*conditions),
    )


def known_people():
    """Return the table of people once more: what an account's people say counts like what the account says.

    It is made for each statement: threads that share one would complete its columns at the same time.
    """
    return aliased(Identity.__table__, name="known")


def columns(strength: int) -> tuple:
    return Identity.id.label("identity_id"), Account.id.label("account_id"), literal(strength).label("strength")


def pairs(strength: int, alike, *conditions) -> Select:
    return select(*columns(strength)).join(Account, alike).where(Account.active, not_declined(), *conditions)


def known_pairs(known, strength: int, alike, *conditions) -> Select:
    joined = select(*columns(strength)).join(known, alike).join(Account, Account.id == known.c.account_id)
    return joined.where(known.c.id != Identity.id, Account.active, not_declined(), *conditions)


def not_declined():
    return or_(Identity.declined_account_id.is_(None), Identity.declined_account_id != Account.id)


def leaver_pairs(*conditions) -> Select:
    """Select pairs of a person and the last account of a leaver with the same name, company and department.

    This finds people whose id at the platform has changed.
    """
    mine, theirs, leaver = aliased(Membership), aliased(Membership), aliased(Identity.__table__)
    same_company = (leaver.c.provider == Identity.provider, leaver.c.tenant == Identity.tenant)
    left = (leaver.c.status == LEFT, leaver.c.account_id.is_(None))
    return (
        select(*columns(LEAVER))
        .join(leaver, and_(leaver.c.name == Identity.name, Identity.name != "", *same_company, *left))
        .join(mine, mine.identity_id == Identity.id)
        .join(theirs, and_(theirs.identity_id == leaver.c.id, theirs.department_id == mine.department_id))
        .join(Account, Account.id == leaver.c.last_account_id)
        .where(leaver.c.id != Identity.id, Account.active, not_declined(), *conditions)
    )


def seat_pairs(*conditions) -> Select:
    """Select pairs of one name where somebody of the account sits in a department of the person's, by its name.

    Two platforms number their departments as they like.
    """
    mine, theirs = aliased(Membership), aliased(Membership)
    known, here, there = known_people(), aliased(Department), aliased(Department)
    return (
        select(*columns(NAME))
        .join(mine, mine.identity_id == Identity.id)
        .join(here, here.id == mine.department_id)
        .join(Account, and_(Account.name == Identity.name, Identity.name != ""))
        .join(known, and_(known.c.account_id == Account.id, known.c.id != Identity.id))
        .join(theirs, theirs.identity_id == known.c.id)
        .join(there, and_(there.id == theirs.department_id, there.name == here.name, there.name != ""))
        .where(Account.active, not_declined(), *conditions)
    )


def best(*conditions) -> Select:
    """Select the best suggestion for everybody unbound who meets the conditions.

    The columns are `identity_id`, `account_id`, and whether it is a `conflict`.
    """
    each = matches(OPEN, *conditions).subquery()
    of = {strength: case((each.c.strength == strength, each.c.account_id)) for strength in REASONS}
    first = (
        select(
            each.c.identity_id,
            func.coalesce(*(func.min(account) for account in of.values())).label("account_id"),
            func.coalesce(*(func.max(account) for account in of.values())).label("other_id"),
        )
        .group_by(each.c.identity_id)
        .subquery()
    )
    known = known_people()
    holds = exists().where(
        known.c.account_id == first.c.account_id,
        known.c.provider == Identity.provider,
        known.c.tenant == Identity.tenant,
    )
    return select(
        first.c.identity_id, first.c.account_id, or_(first.c.account_id != first.c.other_id, holds).label("conflict")
    ).join(Identity, Identity.id == first.c.identity_id)
