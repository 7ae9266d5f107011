"""The overview counts who is bound, by platform and department."""

import pytest
from support.portal_app import both_databases
from support.rows import add_account, add_department, add_person

from portal.bindings import adoption
from portal.models import FROZEN, LEFT, NOT_ACTIVATED

pytestmark = pytest.mark.usefixtures("context")


def fill_department(name, people, bound, provider="wecom"):
    department = add_department(name, name, provider=provider)
    for number in range(people):
        key = f"{name}{number}"
        add_person(key, add_account(key) if number < bound else None, [department], provider)
    return department


@both_databases
def test_people_who_may_sign_in_are_counted_by_platform(portal):
    add_person("bound", add_account("bound"))
    add_person("not yet activated", status=NOT_ACTIVATED)
    add_person("left", add_account("left"), status=LEFT)
    add_person("frozen", status=FROZEN)
    add_person("alone", provider="feishu")

    counts = adoption.count_by_platform()

    assert list(counts.items()) == [("wecom", adoption.Adoption(2, 1)), ("feishu", adoption.Adoption(1, 0))]
    assert counts["wecom"].share == 0.5
    assert adoption.add_up(counts.values()) == adoption.Adoption(3, 1)
    assert adoption.add_up([]).share == 0


@both_databases
def test_departments_with_the_smallest_share_come_first(portal):
    fill_department("complete", 5, 5)
    fill_department("small", 4, 0)
    half = fill_department("half", 6, 3)
    none = fill_department("none", 5, 0)
    few = fill_department("few", 10, 1)
    gone = add_person("gone", departments=[half], status=LEFT)

    found = [(department.name, part.people, part.bound) for department, part in adoption.list_least_bound()]

    assert gone.account_id is None
    assert found == [(none.name, 5, 0), (few.name, 10, 1), (half.name, 6, 3)]
