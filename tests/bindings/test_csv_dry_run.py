"""A dry run says what would come of each line, and changes nothing."""

import re
from pathlib import Path

from support.admin_client import count_rows, open_database, store_account, strip_markup
from support.csv_uploads import (
    read_outcomes,
    start_dry_run,
    upload_csv,
)

from portal.bindings import csv_apply, csv_lines
from portal.models import LEFT, Account, AuditEvent, BindingRequest, FSInnerAuthModel

# What comes of a line


def test_every_key_finds_its_person(alice, portal, person, bound):
    keys = {
        "E7,,,,": {"employee_number": "E7"},
        ",Wang.Fang@Example.com,,,": {"company_email": "wang.fang@example.com"},
        ",,138 1234 5678,,": {"mobile": "+8613812345678"},
        ",,+86-13912345678,,": {"mobile": "13912345678"},
        ",,,,ZhangWei": {},
        ",,,wecom,zhangsan": {},
    }
    ids = {}
    for number, (line, facts) in enumerate(keys.items()):
        user_id = line.rpartition(",")[2] or f"person{number}"
        ids[number] = (person(user_id, **facts), store_account(portal, f"user{number}"))
    person("zhangsan", FSInnerAuthModel)
    lines = "".join(f"user{number},{line},,\n" for number, line in enumerate(keys))
    address = start_dry_run(alice, lines)
    assert set(read_outcomes(portal, address).values()) == {("new", "")}
    alice.post_form(f"{address}/apply")
    assert all(bound(identity) == account_id for identity, account_id in ids.values())


def test_an_address_the_person_typed_is_named_and_opens_no_administrators_account(alice, portal, person):
    store_account(portal, "ceo", role="admin"), store_account(portal, "bob")
    person("stranger", email="CEO@corp.example", mobile="13800000002")
    person("both", email="bob@corp.example"), person("both", FSInnerAuthModel, company_email="bob@corp.example")
    lines = {
        "ceo,,ceo@corp.example": ("conflict", "own_email"),
        "ceo,,ceo@corp.example,13800000002": ("new", ""),
        "bob,,bob@corp.example": ("new", ""),
        "carol,,carol@corp.example": ("new", ""),
        "boss,,boss@corp.example,,,,,admin": ("conflict", "own_email"),
    }
    (
        store_account(portal, "carol"),
        person("carol", email="carol@corp.example"),
        person("boss", email="boss@corp.example"),
    )
    address = start_dry_run(alice, "\n".join(lines))
    assert dict(zip(lines, read_outcomes(portal, address).values(), strict=True)) == lines
    shown = strip_markup(alice.get(address).text)
    assert shown.count("the e-mail address is only what the person entered") == 2
    assert shown.count("Found by an e-mail address that the person may have typed") == 1


def test_the_dry_run_says_what_would_come_of_every_line_and_changes_nothing(alice, portal, person, bound):
    bob, carol, gone = (
        store_account(portal, "bob"),
        store_account(portal, "carol"),
        store_account(portal, "gone", active=False),
    )
    free, at_bob = person("free", employee_number="E1"), person("atbob", employee_number="E2", account_id=bob)
    person("other", employee_number="E3"), person("left", employee_number="E4", status=LEFT)
    person("one", employee_number="E5"), person("two", FSInnerAuthModel, employee_number="E5")
    refused = person("refused", employee_number="E6")
    with open_database(portal) as session:
        request = {"reference": "x", "element": "x", "state": "refused"}
        session.add(BindingRequest(identity_id=refused, **request))
        session.commit()
    lines = {
        "carol,E1": ("new", ""),
        "bob,E2": ("unchanged", ""),
        "bob,E3": ("conflict", "same_account"),
        "carol,E2": ("conflict", "same_person"),
        "new.one,E3": ("account", ""),
        "bob,E4": ("error", "left"),
        "carol,E5": ("error", "several"),
        "carol,E99": ("error", "no_person"),
        ",E1": ("error", "no_username"),
        "gone,E6": ("error", "disabled"),
        "dave,E6": ("conflict", "refused"),
        "bob": ("unchanged", ""),
        "erin": ("account", ""),
        "carol,E5,,,feishu": ("conflict", "same_account"),
        "zoe,E5,,,飞书": ("account", ""),
        "dan,E5,,,企业微信,,,root": ("error", "bad_account"),
        "carol,E1,,,,other": ("error", "keys_differ"),
        f"{'x' * 65},E5,,,wecom": ("error", "bad_account"),
    }
    lines["carol,E5,,,feishu"] = ("new", "")
    lines["zoe,E5,,,飞书"] = ("conflict", "same_person")
    address = start_dry_run(alice, "\n".join(lines))
    found = read_outcomes(portal, address)
    assert dict(zip(lines, found.values(), strict=True)) == lines
    page = strip_markup(alice.get(address).text)
    assert "Line 3 binds another person of this company to the account." in page
    assert "Line 3 means the same person." in page
    assert bound(free) is None and bound(at_bob) == bob
    assert count_rows(portal, Account) == 4
    assert count_rows(portal, AuditEvent, AuditEvent.action.in_(("binding.make", "account.create"))) == 0
    assert gone and carol


def test_an_account_that_has_somebody_of_the_company_is_a_conflict(alice, portal, person):
    bob = store_account(portal, "bob")
    person("atbob", account_id=bob), person("free"), person("feishu", FSInnerAuthModel)
    address = start_dry_run(alice, "bob,,,,,free\nbob,,,,,feishu\n")
    assert read_outcomes(portal, address) == {2: ("conflict", "account_taken"), 3: ("new", "")}


def test_every_reason_has_words_and_every_word_a_reason():
    judging, applying = (Path(module.__file__).read_text(encoding="utf-8") for module in (csv_lines, csv_apply))
    reasons = set(re.findall(r'LineProblem\("\w+", f?"(\w+)[:"]', judging))
    reasons |= {"no_account", "not_chosen", *re.findall(r'"failed", "(\w+)"', applying)}
    reasons |= {*csv_apply.REASONS.values(), *re.findall(r'refusal.code, "(\w+)"', applying)}
    assert reasons == set(csv_lines.REASONS)


HOSTILE = "<img src=x onerror=alert(1)>\"'`{{7*7}}"


def test_hostile_cells_are_text_on_every_page(alice, portal, person):
    person("zhangwei", name=HOSTILE, employee_number="E1", account_id=store_account(portal, HOSTILE[:64]))
    store_account(portal, "bob")
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    head = f"username,employee number,name,platform id,{quoted}\n"
    answer = upload_csv(alice, f"{head}bob,E1,{quoted},,\n{quoted},,{quoted},{quoted},\n", name=HOSTILE)
    for page in (alice.get(answer.location), alice.get("/admin/bindings/import")):
        assert "<img" not in page.text and "&lt;img" in page.text
    alice.post_form(f"{answer.location}/apply", changes="1", accounts="1")
    assert "<img" not in alice.get(answer.location).text
    assert "<img" not in alice.get("/admin/audit").text and "&lt;img" in alice.get("/admin/audit").text


def test_contact_data_is_masked_on_the_pages_of_an_import(alice, portal, person):
    address = start_dry_run(alice, "bob,,bob@example.com,13812345678\n")
    page = alice.get(address).text
    assert "138****5678" in page and "b***@example.com" in page
    assert "13812345678" not in page and "bob@example.com" not in page
