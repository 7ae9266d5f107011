"""The doctor's questions and findings."""

import re
from urllib.parse import urlsplit

import pytest
from support.portal_app import WECOM

from portal.database import db
from portal.elements.doctor import OK, PROBLEM, SKIPPED, WARNING, examine
from portal.elements.feishu.doctor import FeishuDoctor
from portal.elements.wecom.doctor import WecomDoctor

FEISHU_TOKEN = "/open-apis/auth/v3/app_access_token/internal"


def test_a_healthy_element_has_no_problem_and_no_warning(doctor):
    doctor.elements.feishu(tenantKeys=["5a4db0c5a4db0c01"])
    for subject in ("feishu", "wecom"):
        assert {finding.state for finding in doctor.examine(subject).values()} <= {OK, SKIPPED}


def test_a_range_of_a_user_group_alone_is_not_empty(doctor):
    doctor.change_feishu(contact_range={"departments": [], "users": [], "groups": ["g1"]})
    findings = doctor.examine("feishu")
    assert "range_partial" in findings and "range_empty" not in findings


@pytest.mark.parametrize(
    ("subject", "path", "number"),
    [("feishu", "/open-apis/contact/v3/scopes", number) for number in FeishuDoctor.numbers]
    + [("wecom", "/cgi-bin/department/list", number) for number in WecomDoctor.numbers],
)
def test_each_known_number_of_a_platform_leads_to_its_finding(doctor, subject, path, number):
    key = {"feishu": "code", "wecom": "errcode"}[subject]
    doctor.sandbox.fail(path, count=2, body={key: number, "msg": "x"})  # twice: a refused token is renewed
    name = {"feishu": FeishuDoctor, "wecom": WecomDoctor}[subject].numbers[number]
    assert doctor.examine(subject)[name].native == number


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("not allow to access from your ip, hint: [1], from ip: 203.0.113.7, more info at https://x", "203.0.113.7"),
        ("…, from ip: 2001:db8::7, more info", "2001:db8::7"),
        ("from ip: 203.0.113.700, more", "does not say"),
        ("from ip: <script>alert(1)</script>", "does not say"),
        ("from ip: 203.0.113.7<b>", "does not say"),
        ("denied", "does not say"),
        (None, "does not say"),
    ],
)
def test_the_address_wecom_reports_is_shown_if_it_is_one(doctor, said, shown):
    doctor.sandbox.fail("/cgi-bin/agent/get", body={"errcode": 60020, "errmsg": said})
    assert shown in doctor.examine("wecom")["address"].cause


def test_no_message_is_sent_to_people(doctor):
    for subject in ("feishu", "wecom"):
        doctor.examine(subject)
    calls = {(call["method"], call["path"]) for call in doctor.sandbox.calls()}
    assert {path for method, path in calls if method != "GET"} == {FEISHU_TOKEN}
    assert len(calls) == 10


def test_a_platform_that_is_down_is_asked_once(doctor):
    doctor.sandbox.fail("/cgi-bin/*", count=9, drop=True)
    findings = doctor.examine("wecom")
    assert len(doctor.sandbox.calls()) == 1
    assert "waits" in findings and findings["unreachable"].cause.startswith(urlsplit(doctor.sandbox.url).netloc)


def test_no_transaction_is_open_while_a_platform_is_asked(doctor, portal):
    with portal.app_context():
        db.session.execute(db.text("SELECT 1"))
        element = portal.elements.instances[WECOM]
        transactions = []
        element.doctor = lambda element: WatchingDoctor(element, transactions)
        examine(element)
        assert not db.session().in_transaction()  # nor is one after the queries
    assert len(transactions) == 4 and not any(transactions)


class WatchingDoctor(WecomDoctor):
    """Notes whether a transaction is open at each call."""

    def __init__(self, element, transactions):
        super().__init__(element)
        self.transactions = transactions

    def ask(self, *args, **params):
        self.transactions.append(db.session().in_transaction())
        return super().ask(*args, **params)


def test_a_renewed_token_is_used_from_then_on(doctor, portal):
    with portal.app_context():
        own = portal.elements.instances[WECOM].doctor(portal.elements.instances[WECOM])
        own.ask("department/list", "department")
        doctor.change_wecom(revoke_tokens=True)
        own.ask("department/list", "department")
        doctor.sandbox.forget_calls()
        own.ask("department/list", "department")
    assert len(doctor.sandbox.calls()) == 1


def test_a_failing_check_of_an_own_type_leaves_the_others(doctor):
    checks = "        checks = {'mine': 'First', 'usable': 'Settings'}\n"
    doctor.write_own_type(
        f"    class doctor(Meta.doctor):\n{checks}        def check_mine(self):\n            raise KeyError('x')\n"
    )
    with doctor.make_portal().app_context() as context:
        findings = examine(context.app.elements.instances[doctor.element])
    assert [(finding.check, finding.name) for finding in findings] == [("mine", "own_code"), ("usable", "")]


def test_a_wrong_clock_is_a_problem_when_logins_break(doctor):
    doctor.sandbox.clock(120)
    assert doctor.examine("wecom")["clock"].state == WARNING
    doctor.sandbox.clock(480)
    assert doctor.examine("wecom")["clock"].state == PROBLEM


def test_places_are_named_in_both_languages():
    places = [
        advice.place
        for examination in (FeishuDoctor, WecomDoctor)
        for advice in examination.advice.values()
        if advice.place
    ]
    assert len(places) > 20
    assert all(re.search("[\u4e00-\u9fff]", place.zh) and re.fullmatch("[A-Za-z'& .→-]+", place.en) for place in places)
