"""The groups of an account, and what it may enter."""

from typing import NamedTuple

from sqlalchemy import Integer, Select, String, and_, bindparam, cast, exists, literal, or_, select
from sqlalchemy.orm import aliased

from portal import database
from portal.applications import claims
from portal.database import db
from portal.models import (
    MAY_SIGN_IN,
    Account,
    Application,
    ApplicationGroup,
    Department,
    Group,
    GroupMember,
    Identity,
    Membership,
    Revision,
)

DEEPEST = 50  # levels of departments that count, so that a circle ends


class GroupOfAccount(NamedTuple):
    """A group that an account is in."""

    id: int
    name: str
    title: str


class Verdict(NamedTuple):
    """Whether an account may enter an application.

    :param groups: the names of those the application is told; `None`: the account may not enter.
    :param told: what else the application is told, by the names of `HEADERS`.
    :param missing: the titles of the groups that may enter, where the account is in none.
    :param is_ambiguous: whether the application would take the account for another one.
    :param revision: the number of rights as they were then.
    """

    groups: list[str] | None
    told: dict[str, str]
    missing: list[str]
    revision: int
    is_ambiguous: bool = False


def write_groups_of_account() -> Select:
    """Return the statement that finds an account's groups.

    A person's departments count with all those above them. It is built once.
    """
    able = (Identity.account_id == bindparam("account"), Identity.status.in_(MAY_SIGN_IN))
    seats = select(Membership.department_id.label("id"), literal(0, Integer).label("height"))
    seats = seats.join(Identity, Identity.id == Membership.identity_id).where(*able)
    around = seats.cte("around", recursive=True)
    own, parent = aliased(Department), aliased(Department)
    is_parent = and_(parent.provider == own.provider, parent.tenant == own.tenant, parent.dept_id == own.parent_id)
    above = select(parent.id, around.c.height + 1).select_from(around)
    above = above.join(own, own.id == around.c.id).join(parent, is_parent).where(around.c.height < DEEPEST)
    around = around.union(above)
    in_department = exists().where(
        GroupMember.kind == "department",
        GroupMember.value == cast(around.c.id, String),
        or_(GroupMember.below, around.c.height == 0),
    )
    by_itself = or_(
        GroupMember.kind == "everybody",
        and_(GroupMember.kind == "role", GroupMember.value == Account.role),
        and_(GroupMember.kind == "account", GroupMember.value == cast(Account.id, String)),
    )
    groups = select(Group.id, Group.name, Group.title).join(GroupMember, GroupMember.group_id == Group.id)
    groups = groups.join(Account, Account.id == bindparam("account"))
    return groups.where(or_(by_itself, in_department)).distinct().order_by(Group.name)


GROUPS_OF_ACCOUNT = write_groups_of_account()


def find_groups(account_id: int) -> list[GroupOfAccount]:
    """Return the groups of an account, by name."""
    return [GroupOfAccount(*row) for row in database.run(GROUPS_OF_ACCOUNT, account=account_id)]


def decide(application: Application, account_id: int, identity_id: int | None) -> Verdict:
    """Return whether an account may enter, and what is told.

    :param identity_id: the person of the sign-in; none: a one-time link.
    """
    revision = db.session.scalar(select(Revision.number))  # before the rest: what changes meanwhile is looked at again
    own = {group.id: group.name for group in find_groups(account_id)}
    allowed = list_allowed_groups(application.id)
    groups = [group.name for group in allowed if group.id in own]
    if not (groups or application.open_to_all):
        return Verdict(None, {}, [group.title for group in allowed], revision)
    if application.all_groups:
        groups = list(own.values())
    described = claims.describe_account(application, account_id, identity_id)
    if not described.username:
        return Verdict(None, {}, [], revision, is_ambiguous=True)
    return Verdict(groups, described.told, [], revision)


def list_allowed_groups(application_id: int) -> list[GroupOfAccount]:
    """Return the groups that may enter an application."""
    groups = select(Group.id, Group.name, Group.title).join(ApplicationGroup, ApplicationGroup.group_id == Group.id)
    rows = db.session.execute(groups.where(ApplicationGroup.application_id == application_id).order_by(Group.name))
    return [GroupOfAccount(*row) for row in rows]


def list_enterable(account_id: int) -> list[Application]:
    """Return the applications that an account may enter, by title."""
    own = [group.id for group in find_groups(account_id)]
    of_groups = select(ApplicationGroup.application_id).where(ApplicationGroup.group_id.in_(own))
    may_enter = or_(Application.open_to_all, Application.id.in_(of_groups))
    applications = select(Application).where(Application.active, may_enter)
    return list(db.session.scalars(applications.order_by(Application.title, Application.id)))
