"""What a platform tells wrongly about one person or department harms nobody else."""

from hashlib import md5

import pytest
from support.portal_app import both_databases
from support.syncs import FEISHU, LISTED_PEOPLE, PROVIDERS, WECOM, list_departments, list_people, run_sync

NAMES = {FEISHU: "union_id", WECOM: "userid"}


@both_databases
@pytest.mark.parametrize("name", [FEISHU, WECOM])
@pytest.mark.parametrize("how", [{"withhold": True}, {"set": ""}, {"set": 5}, {"set": None}])
def test_one_person_without_an_id_is_left_out_with_a_warning(portal, sandbox, name, how):
    field = NAMES[name]
    change = {"withhold": [field]} if "withhold" in how else {"set": {field: how["set"]}}
    sandbox.person(PROVIDERS[name], "bob", **change)
    run = run_sync(portal, name)
    assert (run.state, run.report["warnings"]) == ("done", {"unusable_person": ["Bob Miller"]})
    assert set(list_people(portal, name)) == LISTED_PEOPLE - {"bob"}


@pytest.mark.parametrize("name", [FEISHU, WECOM])
@pytest.mark.parametrize("how", [{"withhold": True}, {"set": ""}, {"set": None}, {"set": []}])
def test_a_department_without_an_id_is_left_out_with_a_warning(portal, sandbox, name, how):
    field = {FEISHU: "open_department_id", WECOM: "id"}[name]
    change = {"withhold": [field]} if "withhold" in how else {"set": {field: how["set"]}}
    sandbox.department("90", provider=PROVIDERS[name], add=True, name="Without", **change)
    run = run_sync(portal, name)
    assert (run.state, run.report["warnings"]) == ("done", {"unusable_department": ["Without"]})
    assert set(list_people(portal, name)) == LISTED_PEOPLE
    assert "7" in list_departments(portal, name) and "90" not in list_departments(portal, name)


@both_databases
@pytest.mark.parametrize(
    ("name", "orders"),
    [
        (FEISHU, ["-99999999999999999999", "-1", "7", "2147483648", "4000000000", "9" * 30]),
        (WECOM, [2**64, 2**32 - 1, 2**31, 7, -1, -(2**40)]),
    ],
)
def test_large_places_of_departments_are_kept_in_order(portal, sandbox, name, orders):
    keys = [f"9{at}" for at in range(len(orders))]
    for key, order in reversed(list(zip(keys, orders, strict=True))):
        sandbox.department(key, provider=PROVIDERS[name], add=True, name=f"place {key}", set={"order": order})
    assert run_sync(portal, name).state == "done"
    stored = list_departments(portal, name)
    assert sorted(keys, key=lambda key: stored[key].position) == keys
    assert len({stored[key].position for key in keys}) == len(keys)


LISI = "ou_" + md5(b"cli_5a4db0c5a4db0c01/lisi").hexdigest()


@pytest.mark.parametrize("ids", [{"open_id": "ou_other"}, {"open_id": LISI, "union_id": "on_other"}], ids=str)
def test_a_contact_answer_about_somebody_else_is_not_taken(client, sandbox, ids):
    other = {**ids, "name": "Somebody Else", "mobile": "13900000077"}
    sandbox.fail("/open-apis/contact/v3/users/*", body={"code": 0, "msg": "success", "data": {"user": other}})
    assert client.sign_in(FEISHU, "lisi").status_code == 303
    lisi = list_people(client.application, FEISHU)["lisi"]
    assert (lisi.name, lisi.contact_at) == ("李四", None)
