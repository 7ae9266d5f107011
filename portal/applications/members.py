"""The present members of a group, each with every reason.

A group is a few rules. `access` asks from an account upwards which groups it is in; here the same question is asked
from the rules downwards.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import CTE, ColumnElement, Integer, Select, and_, case, func, literal, select, union
from sqlalchemy.orm import aliased

from portal.accounts import search
from portal.applications.access import DEEPEST
from portal.database import db
from portal.database.paging import Page, load_page
from portal.directory import sql_rows
from portal.models import MAY_SIGN_IN, Account, Department, Group, GroupMember, Identity, Membership, Revision

PAGE_SIZE = 50  # members


@dataclass(frozen=True)
class Rules:
    """The rules of a group, by kind.

    :param departments: the id of each, and whether the departments below it count.
    :param accounts: their ids.
    """

    departments: dict[int, bool]
    roles: frozenset[str] = frozenset()
    accounts: frozenset[int] = frozenset()
    everybody: bool = False


@dataclass(frozen=True)
class NamedDepartment:
    """A department that a reason names."""

    id: int
    name: str


@dataclass(frozen=True)
class Reason:
    """A rule that makes an account a member.

    :param kind: `account`, `role`, `department`, `below` or `everybody`.
    :param department: of the rule.
    :param seat: the department below it that a person of the account is in.
    """

    kind: str
    department: NamedDepartment | None = None
    seat: NamedDepartment | None = None


@dataclass(frozen=True)
class Member:
    """An account in a group."""

    account: Account
    reasons: list[Reason]


def read_rules(rows: Iterable[GroupMember]) -> Rules:
    """Return the rules of a group's rows."""
    values = defaultdict(dict)
    for row in rows:
        values[row.kind][row.value] = row.below
    departments = {int(value): below for value, below in values["department"].items()}
    return Rules(departments, frozenset(values["role"]), frozenset(map(int, values["account"])), "everybody" in values)


def list_members(rules: Rules, words: str, number: int) -> Page[Member]:
    """Return a page of members, by username.

    :param words: part of a name; "" for all members.
    :param number: from 1; one beyond the last page means that one.
    """
    conditions = [is_member(rules), *([search.match_text(words)] if words else [])]
    total = db.session.scalar(select(func.count()).select_from(Account).where(*conditions))
    page = load_page(
        select(Account).where(*conditions).order_by(Account.username, Account.id), total, number, PAGE_SIZE
    )
    reasons = find_reasons(rules, page.rows)
    return Page([Member(account, reasons[account.id]) for account in page.rows], page.number, page.size, page.total)


def count_present_members(rules: Rules) -> int:
    """Return how many accounts are members now."""
    return db.session.scalar(select(func.count()).select_from(Account).where(is_member(rules)))


def count_groups(groups: Iterable[Group]) -> dict[int, int]:
    """Return how many members groups have now, by group id.

    They are counted again only after something has changed that they depend on.
    """
    revision = db.session.scalar(select(Revision.number))
    counts = current_app.extensions.setdefault("group_counts", {})
    for group in groups:
        if counts.get(group.id, (None,))[0] != revision:
            counts[group.id] = revision, count_present_members(read_rules(group.members))
    return {group.id: counts[group.id][1] for group in groups}


def is_member(rules: Rules) -> ColumnElement[bool]:
    """Return the condition for accounts that the rules name.

    It is one list of ids, which both databases read once. Conditions with OR between them would be asked for each
    account.
    """
    if rules.everybody:
        return Account.active
    named = aliased(Account)
    ids = [select(named.id).where(named.role.in_(rules.roles)), sql_rows.select_values(rules.accounts, Integer)]
    if rules.departments:
        ids.append(select_seats(find_departments(rules.departments)).with_only_columns(Identity.account_id))
    return and_(Account.active, Account.id.in_(union(*ids)))


def find_departments(departments: dict[int, bool]) -> CTE:
    """Return the departments of rules and those below them.

    Its columns are `top_id`, the rule's own, `id` and `level`.

    :param departments: as in `Rules`.
    """
    wanted = Department.id.in_(sql_rows.select_values(departments, Integer))
    is_deep = Department.id.in_(sql_rows.select_values([id for id, below in departments.items() if below], Integer))
    columns = (Department.id, Department.provider, Department.tenant, Department.dept_id)
    level = case((is_deep, 0), else_=DEEPEST).label("level")  # a rule for one department begins at the last level
    tree = select(Department.id.label("top_id"), *columns, level).where(wanted).cte("tree", recursive=True)
    child = aliased(Department)
    is_child = and_(child.provider == tree.c.provider, child.tenant == tree.c.tenant, child.parent_id == tree.c.dept_id)
    columns = (child.id, child.provider, child.tenant, child.dept_id)
    deeper = select(tree.c.top_id, *columns, tree.c.level + 1).join(child, is_child)
    return tree.union_all(deeper.where(tree.c.level < literal(DEEPEST)))


def select_seats(tree: CTE) -> Select:
    """Select who sits where in a tree of departments.

    Only people count that are bound and may sign in.
    """
    seat = select(Identity.account_id, tree.c.top_id, tree.c.id)
    seat = seat.join(Membership, Membership.identity_id == Identity.id).join(
        tree, tree.c.id == Membership.department_id
    )
    return seat.where(Identity.account_id.is_not(None), Identity.status.in_(MAY_SIGN_IN))


def find_reasons(rules: Rules, accounts: list[Account]) -> dict[int, list[Reason]]:
    """Return the reasons of members by account id.

    A rule that names the account itself comes first, one for everybody last.
    """
    reasons = {account.id: [] for account in accounts}
    for account in accounts:
        if account.id in rules.accounts:
            reasons[account.id].append(Reason("account"))
        if account.role in rules.roles:
            reasons[account.id].append(Reason("role"))
    for account_id, reason in find_seat_reasons(rules, list(reasons)):
        reasons[account_id].append(reason)
    if rules.everybody:
        for account_id in reasons:
            reasons[account_id].append(Reason("everybody"))
    return reasons


def find_seat_reasons(rules: Rules, account_ids: list[int]) -> list[tuple[int, Reason]]:
    """Return the reasons that lie in departments.

    Each comes with its account's id.
    """
    if not rules.departments or not account_ids:
        return []
    seats = select_seats(find_departments(rules.departments)).where(Identity.account_id.in_(account_ids)).distinct()
    rows = db.session.execute(seats).all()
    places = name_departments({id for row in rows for id in row[1:]})
    pairs = []
    for account_id, top_id, id in rows:
        top, seat = places[top_id], places[id]
        pairs.append((account_id, Reason("department", top) if top == seat else Reason("below", top, seat)))
    return sorted(pairs, key=lambda pair: (pair[1].kind != "department", pair[1].department.name, pair[1].seat is None))


def name_departments(ids: Iterable[int]) -> dict[int, NamedDepartment]:
    """Return departments with their names, by id."""
    rows = db.session.execute(select(Department.id, Department.name, Department.dept_id).where(Department.id.in_(ids)))
    return {row.id: NamedDepartment(row.id, row.name or row.dept_id) for row in rows}
