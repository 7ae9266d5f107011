"""A person and an account compared field by field.

It shows what speaks for a binding and what speaks against it. It decides nothing, and asks no database.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.directory.paths import Path
from portal.models import FROZEN, LEFT, NOT_ACTIVATED, Account, Identity
from portal.text import fold_name

FIELDS = ("name", "employee_number", "email", "mobile", "department", "status")
SAME, DIFFERS, UNKNOWN = "same", "differs", "unknown"
STATUSES = {LEFT: "departed", FROZEN: "frozen", NOT_ACTIVATED: "not_activated"}  # everything else is `active`
BARRED = ("departed", "frozen", "disabled")  # of a side that can't sign in
CHINESE_PREFIX = re.compile(r"^(\+|00)?86(?=1[0-9]{10}$)")

Value = str | tuple[str, ...]  # a department is the names that lead to it


@dataclass(frozen=True)
class Fact:
    """The values of one field, the most certain first.

    :param is_vague: whether another value elsewhere says nothing against it.
    """

    values: tuple[Value, ...] = ()
    is_vague: bool = False


Facts = Mapping[str, Fact]  # by field


@dataclass(frozen=True)
class ComparedFact:
    """A fact with its verdict: `same`, `differs` or `unknown`."""

    values: tuple[Value, ...]
    verdict: str


@dataclass(frozen=True)
class ComparedField:
    """A field of one side, compared with the others."""

    field: str
    reference: tuple[Value, ...]
    others: list[ComparedFact]


# Collecting


def collect_person_facts(person: Identity, paths: Mapping[int, list[Path]]) -> Facts:
    """Return what is known of a person.

    :param paths: of people's departments, by person.
    """
    status = STATUSES.get(person.status, "active")
    return {
        "name": keep_distinct("name", [person.name]),
        "employee_number": keep_distinct("employee_number", [person.employee_number]),
        "email": keep_distinct("email", [person.company_email, person.email]),
        "mobile": keep_distinct("mobile", [person.mobile]),
        "department": keep_distinct("department", [path.names for path in paths.get(person.id, ())]),
        "status": Fact((status,), is_vague=status == "not_activated"),
    }


def collect_account_facts(account: Account, people: Iterable[Identity], paths: Mapping[int, list[Path]]) -> Facts:
    """Return what is known of an account.

    Its own columns come first, then what is known of the people bound to it.

    :param people: those that are bound to it, as far as they count.
    """
    bound = [collect_person_facts(person, paths) for person in people]
    own = {
        "name": [account.name],
        "employee_number": [account.employee_number],
        "email": [account.email],
        "mobile": [account.mobile],
        "department": [],
    }
    facts = {
        field: keep_distinct(field, [*values, *(value for facts in bound for value in facts[field].values)])
        for field, values in own.items()
    }
    if account.name == account.username:  # a stand-in: it tells nothing about the person's name
        is_alone = len(facts["name"].values) == 1
        names = facts["name"].values if is_alone else facts["name"].values[1:]
        facts["name"] = Fact(names, is_vague=is_alone)
    return {**facts, "status": Fact(("active" if account.active else "disabled",))}


def keep_distinct(field: str, values: Iterable[Value | None]) -> Fact:
    """Return a fact of these values, each once.

    Empty values are left out.
    """
    distinct = {}
    for value in values:
        if value:
            distinct.setdefault(fold_value(field, value), value)
    return Fact(tuple(distinct.values()))


# Comparing


def compare_facts(reference: Facts, *others: Facts) -> list[ComparedField]:
    """Compare several sides with one.

    A mobile number is left out unless it is known of both.
    """
    fields = []
    for field in FIELDS:
        compared = [compare_fact(field, reference[field], other[field]) for other in others]
        if field != "mobile" or any(fact.verdict != UNKNOWN for fact in compared):
            fields.append(ComparedField(field, reference[field].values, compared))
    return fields


def compare_fact(field: str, reference: Fact, other: Fact) -> ComparedFact:
    """Return a fact, and whether it is the same elsewhere.

    One common value is enough.
    """
    if {fold_value(field, value) for value in reference.values} & {fold_value(field, value) for value in other.values}:
        verdict = SAME
    elif reference.values and other.values and not (reference.is_vague or other.is_vague):
        verdict = DIFFERS
    else:
        verdict = UNKNOWN
    return ComparedFact(other.values, verdict)


def list_fields_of_verdict(fields: list[ComparedField], verdict: str, place: int = 0) -> list[str]:
    """Return the fields of a verdict.

    :param place: of the compared side, from 0.
    """
    return [field.field for field in fields if field.others[place].verdict == verdict]


def fold_value(field: str, value: Value) -> str:
    """Return the form in which a value is compared.

    Of a department that is its own name: two platforms arrange their departments as they like.
    """
    if field == "department":
        return fold_name(value[-1])
    if field == "mobile":
        return CHINESE_PREFIX.sub("", re.sub(r"[\s().-]", "", value))
    if field == "status":
        return "barred" if value in BARRED else value
    return fold_name(value)
