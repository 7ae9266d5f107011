"""Suggestions of people and accounts that may belong together.

They are for administrators' eyes, and sign no person in.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import (
    Alias,
    ColumnElement,
    CompoundSelect,
    Label,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from portal.database import db
from portal.models import HAD_LEFT, LEFT, MAY_SIGN_IN, Account, Department, Identity, Membership

Condition = ColumnElement[bool]
BEFORE, NUMBER, EMAIL, OWN_EMAIL, LEAVER, NAME = 6, 5, 4, 3, 2, 1  # how strong a reason is
REASONS = {
    BEFORE: "before",  # and of a person that had left meanwhile, `returned`
    NUMBER: "employee_number",
    EMAIL: "email",  # which only the company can change
    OWN_EMAIL: "own_email",  # which people may type themselves
    LEAVER: "leaver",
    NAME: "name_department",
}
STRONG = (BEFORE, NUMBER, EMAIL)  # the others never bind many at once
OPEN_PERSON = and_(Identity.account_id.is_(None), Identity.status.in_(MAY_SIGN_IN))  # may get a suggestion


@dataclass(frozen=True)
class Suggestion:
    """A person and an account that may belong together.

    :param strengths: of all its reasons, the strongest first.
    :param holder: the person of the same company that the account has already.
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
        """Tell whether the person had left since.

        Their id may be a new colleague's now.
        """
        return self.person.bound_how == HAD_LEFT

    @property
    def weak(self) -> bool:
        """Tell whether chance or the person alone may explain it."""
        strong = {strength for strength in self.strengths if strength in STRONG}
        return not strong - ({BEFORE} if self.returned else set())


def suggest_accounts(people: Iterable[Identity]) -> dict[int, list[Suggestion]]:
    """Return suggestions for some people, by their ids.

    The best come first.
    """
    return find_suggestions(Identity.id.in_([person.id for person in people]))


def suggest_people(account: Account) -> list[Suggestion]:
    """Return suggestions of unbound people for an account.

    The best come first.
    """
    by_person = find_suggestions(OPEN_PERSON, Account.id == account.id)
    suggestions = [suggestion for of_person in by_person.values() for suggestion in of_person]
    return sorted(suggestions, key=lambda suggestion: suggestion.strengths, reverse=True)


def find_suggestions(*conditions: Condition) -> dict[int, list[Suggestion]]:
    """Return suggestions by the person's id.

    :param conditions: on `Identity` and `Account`.
    """
    strengths = defaultdict(set)
    for person_id, account_id, strength in db.session.execute(select_matches(*conditions)):
        strengths[person_id, account_id].add(strength)
    people = load_people({person_id for person_id, _ in strengths})
    accounts, holders = load_accounts({account_id for _, account_id in strengths})
    by_person = defaultdict(list)
    for (person_id, account_id), own in strengths.items():
        person = people[person_id]
        if EMAIL in own:
            own.discard(OWN_EMAIL)  # it is the same address
        if person.account_id != account_id:
            holder = holders.get((account_id, person.provider, person.tenant))
            suggestion = Suggestion(person, accounts[account_id], tuple(sorted(own, reverse=True)), holder)
            by_person[person_id].append(suggestion)
    for suggestions in by_person.values():
        suggestions.sort(key=lambda suggestion: ([-one for one in suggestion.strengths], suggestion.account.id))
    return by_person


def load_people(ids: set[int]) -> dict[int, Identity]:
    """Return people by id.

    Those that the database session holds already cost no query.
    """
    held = {id: db.session.identity_map.get(db.session.identity_key(Identity, id)) for id in ids}
    missing = [id for id, row in held.items() if row is None]
    rows = db.session.scalars(select(Identity).where(Identity.id.in_(missing))) if missing else ()
    return held | {row.id: row for row in rows}


def load_accounts(ids: set[int]) -> tuple[dict[int, Account], dict[tuple, Identity]]:
    """Return accounts by id, and their people.

    The people's keys are account, provider and tenant.
    """
    pairs = select(Account, Identity).outerjoin(Identity, Identity.account_id == Account.id).where(Account.id.in_(ids))
    rows = db.session.execute(pairs).all() if ids else ()
    holders = {(person.account_id, person.provider, person.tenant): person for _, person in rows if person}
    return {account.id: account for account, _ in rows}, holders


def is_conflict(suggestions: list[Suggestion]) -> bool:
    """Tell whether an administrator must decide.

    The best suggestion's account is taken, or two suggestions fit equally.
    """
    if not suggestions:
        return False
    best, *others = suggestions
    return best.holder is not None or any(other.strengths[0] == best.strengths[0] for other in others)


def find_clear(suggestions: list[Suggestion]) -> Suggestion | None:
    """Return the suggestion that needs no further thought."""
    return suggestions[0] if suggestions and not is_conflict(suggestions) else None


# The same in the database


def select_matches(*conditions: Condition) -> CompoundSelect:
    """Select `identity_id`, `account_id` and `strength` of all matches.

    A pair comes once for each reason. Disabled accounts and what an administrator has declined are left out.
    """
    held, number, company_email, email = (
        alias_people(),
        Identity.employee_number,
        Identity.company_email,
        Identity.email_folded,
    )
    same = {  # strength -> the person has the value; an account has it, too; a person of an account has it, too
        NUMBER: (number != "", Account.employee_number == number, held.c.employee_number == number),
        EMAIL: (company_email != "", Account.email_folded == company_email, held.c.company_email == company_email),
        OWN_EMAIL: (
            email != "",
            Account.email_folded == email,
            or_(
                held.c.email_folded == email,
                held.c.company_email == email,
                and_(company_email != "", held.c.email_folded == company_email),
            ),
        ),
    }
    return union_all(
        select_pairs(BEFORE, Account.id == Identity.last_account_id, *conditions),
        *(select_pairs(strength, and_(has, own), *conditions) for strength, (has, own, _) in same.items()),
        *(select_held_pairs(held, strength, and_(has, own), *conditions) for strength, (has, _, own) in same.items()),
        select_leaver_pairs(*conditions),
        select_department_pairs(*conditions),
    )


def alias_people() -> Alias:
    """Return the table of people once more.

    It stands for the people of an account: what is known of them counts like what is known of the account. It is made
    for each statement: threads that share one would complete its columns at the same time.
    """
    return aliased(Identity.__table__, name="held")


def label_columns(strength: int) -> tuple[Label, ...]:
    """Return the three columns of a match."""
    return Identity.id.label("identity_id"), Account.id.label("account_id"), literal(strength).label("strength")


def select_pairs(strength: int, alike: Condition, *conditions: Condition) -> Select:
    """Select pairs of a person and an account like them."""
    joined = select(*label_columns(strength)).join(Account, alike)
    return joined.where(Account.active, is_not_declined(), *conditions)


def select_held_pairs(held: Alias, strength: int, alike: Condition, *conditions: Condition) -> Select:
    """Select pairs by likeness to a person of the account."""
    joined = select(*label_columns(strength)).join(held, alike).join(Account, Account.id == held.c.account_id)
    return joined.where(held.c.id != Identity.id, Account.active, is_not_declined(), *conditions)


def is_not_declined() -> Condition:
    """Return the condition that no administrator has declined the pair."""
    return or_(Identity.declined_account_id.is_(None), Identity.declined_account_id != Account.id)


def select_leaver_pairs(*conditions: Condition) -> Select:
    """Select pairs of a person and a leaver's last account.

    Both have the same name, company and department. This finds people after their id at the platform has changed.
    """
    seat, leaver_seat, leaver = aliased(Membership), aliased(Membership), aliased(Identity.__table__)
    same_company = (leaver.c.provider == Identity.provider, leaver.c.tenant == Identity.tenant)
    left = (leaver.c.status == LEFT, leaver.c.account_id.is_(None))
    same_department = and_(leaver_seat.identity_id == leaver.c.id, leaver_seat.department_id == seat.department_id)
    return (
        select(*label_columns(LEAVER))
        .join(leaver, and_(leaver.c.name == Identity.name, Identity.name != "", *same_company, *left))
        .join(seat, seat.identity_id == Identity.id)
        .join(leaver_seat, same_department)
        .join(Account, Account.id == leaver.c.last_account_id)
        .where(leaver.c.id != Identity.id, Account.active, is_not_declined(), *conditions)
    )


def select_department_pairs(*conditions: Condition) -> Select:
    """Select pairs of one name in departments of one name.

    Two platforms number their departments as they like.
    """
    seat, held_seat = aliased(Membership), aliased(Membership)
    held, department, held_department = alias_people(), aliased(Department), aliased(Department)
    same_name = and_(held_department.name == department.name, held_department.name != "")
    return (
        select(*label_columns(NAME))
        .join(seat, seat.identity_id == Identity.id)
        .join(department, department.id == seat.department_id)
        .join(Account, and_(Account.name == Identity.name, Identity.name != ""))
        .join(held, and_(held.c.account_id == Account.id, held.c.id != Identity.id))
        .join(held_seat, held_seat.identity_id == held.c.id)
        .join(held_department, and_(held_department.id == held_seat.department_id, same_name))
        .where(Account.active, is_not_declined(), *conditions)
    )


def select_best(*conditions: Condition) -> Select:
    """Select the best suggestion for each unbound person.

    The columns are `identity_id`, `account_id`, and whether it is a `conflict`.
    """
    matches = select_matches(OPEN_PERSON, *conditions).subquery()
    of = {strength: case((matches.c.strength == strength, matches.c.account_id)) for strength in REASONS}
    first = (
        select(
            matches.c.identity_id,
            func.coalesce(*(func.min(account) for account in of.values())).label("account_id"),
            func.coalesce(*(func.max(account) for account in of.values())).label("other_id"),
        )
        .group_by(matches.c.identity_id)
        .subquery()
    )
    held = alias_people()
    has_holder = exists().where(
        held.c.account_id == first.c.account_id,
        held.c.provider == Identity.provider,
        held.c.tenant == Identity.tenant,
    )
    needs_decision = or_(first.c.account_id != first.c.other_id, has_holder)
    columns = (first.c.identity_id, first.c.account_id, needs_decision.label("conflict"))
    return select(*columns).join(Identity, Identity.id == first.c.identity_id)
