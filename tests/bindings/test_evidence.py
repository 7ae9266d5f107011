"""A person and an account are compared field by field."""

import pytest

from portal.bindings.evidence import collect_account_facts, collect_person_facts, compare_facts
from portal.directory.paths import Path
from portal.models import FROZEN, LEFT, NOT_ACTIVATED, Account, Identity

PERSON = {"name": "", "employee_number": "", "email": "", "company_email": "", "mobile": "", "status": 1}


def make_person(**fields):
    return Identity(user_id="zw", **{**PERSON, **fields})


def make_account(**fields):
    return Account(username="zhangwei", **{"name": "", "active": True, **fields})


def judge(person, account, people=(), paths=None):
    """Return the verdict of each field."""
    reference = collect_account_facts(account, people, paths or {})
    fields = compare_facts(reference, collect_person_facts(person, paths or {}))
    return {field.field: field.others[0].verdict for field in fields}


@pytest.mark.parametrize(
    ("field", "own", "other", "verdict"),
    [
        ("name", "张伟", "张伟", "same"),
        ("name", "Zhang Wei", "ＺＨＡＮＧ　ｗｅｉ", "same"),
        ("name", "冯洋", "李伟", "differs"),
        ("name", "张伟", "", "unknown"),
        ("name", "", "张伟", "unknown"),
        ("name", "张伟", "zhangwei", "unknown"),  # the username stands in for the name
        ("employee_number", "E0007", "e0007", "same"),
        ("employee_number", "P001305", "P000004", "differs"),
        ("employee_number", "E1", None, "unknown"),
        ("email", "A@example.com", "a@example.com", "same"),
        ("email", "a@example.com", "b@example.com", "differs"),
        ("mobile", "+8613812345678", "13812345678", "same"),
        ("mobile", "13812345678", "13800000000", "differs"),
    ],
)
def test_a_field_is_the_same_differs_or_is_unknown(field, own, other, verdict):
    assert judge(make_person(**{field: own}), make_account(**{field: other}))[field] == verdict


def test_a_mobile_number_that_one_side_lacks_is_left_out():
    assert "mobile" not in judge(make_person(mobile="13812345678"), make_account())


@pytest.mark.parametrize(
    ("status", "active", "verdict"),
    [
        (1, True, "same"),
        (1, False, "differs"),
        (LEFT, True, "differs"),
        (FROZEN, True, "differs"),
        (LEFT, False, "same"),
        (NOT_ACTIVATED, True, "unknown"),
    ],
)
def test_a_state_tells_whether_both_could_sign_in(status, active, verdict):
    assert judge(make_person(status=status), make_account(active=active))["status"] == verdict


def test_what_is_known_of_an_accounts_people_counts_for_it():
    bound = make_person(id=2, name="张伟", company_email="zw@example.com", mobile="13812345678")
    paths = {1: [Path(1, ("销售部", "华东"))], 2: [Path(2, ("中国", "华东"))]}
    person = make_person(id=1, name="张伟", email="ZW@example.com", mobile="+86 138-1234-5678")
    assert judge(person, make_account(employee_number="E1"), [bound], paths) == {
        "name": "same",
        "employee_number": "unknown",
        "email": "same",
        "mobile": "same",
        "department": "same",
        "status": "same",
    }
    elsewhere = {**paths, 2: [Path(2, ("财务部",))]}
    assert judge(person, make_account(), [bound], elsewhere)["department"] == "differs"


def test_one_common_value_of_several_is_enough():
    bound = make_person(id=2, employee_number="E2")
    assert judge(make_person(employee_number="E2"), make_account(employee_number="E1"), [bound])["employee_number"] == (
        "same"
    )


def test_several_sides_are_compared_with_one():
    own = collect_person_facts(make_person(name="张伟"), {})
    sides = [collect_account_facts(make_account(name=name), [], {}) for name in ("张伟", "李四")]
    [name] = [field for field in compare_facts(own, *sides) if field.field == "name"]
    assert (name.reference, [fact.verdict for fact in name.others]) == (("张伟",), ["same", "differs"])
