"""CSV in and out: what a file may look like, what comes of each line, and that nothing is replaced silently."""

import csv
import io
import re
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from support.admin_client import open_database, sign_in_administrator, store_account, strip_markup
from support.csv_uploads import (
    CSV_HEADER,
    count_rows,
    post_whole_file,
    read_csv,
    read_outcomes,
    read_results,
    start_dry_run,
    store_person,
    upload_csv,
)
from support.portal_app import both_databases

from portal.bindings import csv_apply, csv_files, csv_headings, csv_import, csv_lines, people_filters
from portal.clocks import now
from portal.models import LEFT, Account, AuditEvent, BindingRequest, FSInnerAuthModel, Identity, Import, ImportRow
from portal.pages.admin import imports as pages


@pytest.fixture
def person(portal):
    """Return a function that stores a person; it gives their id."""
    return partial(store_person, portal)


@pytest.fixture
def bound(portal):
    """Return a function that says which account a person opens."""

    def read(id):
        with open_database(portal) as session:
            return session.scalar(select(Identity.account_id).where(Identity.id == id))

    return read


# What a file may look like


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_are_read_as_spreadsheets_save_them(alice, portal, person, encoding, delimiter, end):
    person("zhangwei", employee_number="E1")
    store_account(portal, "张伟")
    content = end.join([delimiter.join(["用户名", "工号", "姓名"]), delimiter.join(["张伟", "E1", "张伟"]), "", ""])
    answer = upload_csv(alice, content.encode(encoding))
    assert read_outcomes(portal, answer.location) == {2: ("new", "")}


@pytest.mark.parametrize(
    "names", [[names[at] for names in csv_headings.HEADINGS.values()] for at in (0, 1)], ids=["en", "zh"]
)
def test_headings_may_be_english_or_chinese(names):
    headings = [f" {name.upper()} " for name in names]
    assert csv_headings.understand_headings(headings) == (list(csv_headings.HEADINGS), [])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_template_is_a_file_that_can_be_uploaded(alice, portal, language):
    alice.post_form("/language", language=language)
    [headings] = read_csv(alice.get("/admin/bindings/import/template.csv"))
    assert csv_headings.understand_headings(headings) == (list(csv_headings.HEADINGS), [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column for the username"),
        (CSV_HEADER.encode(), "no line below the headings"),
        (b"username,name\n\xff\xff\xff", "be read as CSV"),
        (b"username,name\na\0b,c\n", "be read as CSV"),
        (b'username,name\n"a,b\n', "be read as CSV"),
        (b"name,role\nx,user\n", "no column for the username"),
        (b"username,department\nx,y\n", "must name the person"),
        (b"username,e-mail,mail\nx,y,z\n", "Two columns mean the same"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_with_the_reason(alice, portal, content, message):
    answer = upload_csv(alice, content)
    assert answer.status_code == 422
    assert message in strip_markup(answer.text).replace("&#39;", "'")
    assert count_rows(portal, Import) == 0


def test_no_file_is_said_at_the_field(alice):
    answer = alice.post_form("/admin/bindings/import")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text and "Please choose a file." in answer.text


def test_too_many_lines_are_refused(alice, portal, monkeypatch):
    monkeypatch.setattr(csv_headings, "MOST_LINES", 3)
    assert upload_csv(alice, CSV_HEADER + "a,1\n" * 3).status_code == 303
    assert upload_csv(alice, CSV_HEADER + "a,1\n" * 4).status_code == 422


def test_only_here_and_only_for_administrators_a_body_may_be_large(alice, portal):
    big = CSV_HEADER + "".join(f"user{number},E{number},,,,,{'x' * 60},\n" for number in range(3000))
    assert len(big) > 2 * 64 * 1024
    assert upload_csv(alice, big).status_code == 303
    assert post_whole_file(alice, b"username,name\nx," + b"y" * 10 * 1024 * 1024).status_code == 413
    assert upload_csv(portal.test_client(), big).status_code == 413
    assert alice.post_form("/admin/accounts/create", username="x" * 70_000).status_code == 413


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
    assert shown.count("only the person says that this is their e-mail address") == 2
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


@both_databases
def test_applying_binds_what_is_new_and_leaves_the_rest(alice, portal, person, bound):
    bob, carol = store_account(portal, "bob"), store_account(portal, "carol")
    free, moving = person("free"), person("moving", FSInnerAuthModel, account_id=bob)
    newcomer = person("newcomer")
    address = start_dry_run(
        alice, "bob,,,,,free\ncarol,,,,,moving\ndave,,,,,newcomer,Newcomer,admin\nnobody,,,,,none\n"
    )
    assert read_outcomes(portal, address) == {
        **{2: ("new", ""), 3: ("change", ""), 4: ("account", ""), 5: ("error", "no_person")},
    }
    assert alice.post_form(f"{address}/apply").status_code == 303
    assert (bound(free), bound(moving), bound(newcomer)) == (bob, bob, None)
    assert read_results(portal, address) == {
        2: ("done", ""),
        3: ("left", "not_chosen"),
        4: ("left", "no_account"),
        5: ("left", "no_person"),
    }
    with open_database(portal) as session:
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.action == "binding.make"))
        applied = session.scalars(select(AuditEvent.details).where(AuditEvent.action == "import.apply")).all()
        how = session.scalar(select(Identity.bound_how).where(Identity.id == free))
    assert (event.actor_id, event.account_id, event.identity_id, event.details["how"]) == (1, bob, free, "import")
    assert (applied, how) == ([{"rows": 1}], "import")
    assert carol


@both_databases
def test_accounts_and_moves_are_choices_of_their_own(alice, portal, person, bound):
    bob, carol = store_account(portal, "bob"), store_account(portal, "carol")
    moving, newcomer = person("moving", account_id=bob), person("newcomer", name="戴夫")
    both = person("both", FSInnerAuthModel)
    address = start_dry_run(
        alice, "carol,,,,,moving\ndave,,,,,newcomer,戴夫,管理员\ndave,,,,,both,,\nerin,,,,,,Erin\n"
    )  # fmt: skip
    page = strip_markup(alice.get(address).text)
    assert "Also create the accounts of 3 lines · 1 of them an administrator" in page
    assert "Also move 1 person bound to another account" in page
    alice.post_form(f"{address}/apply", accounts="1", changes="1")
    assert set(read_results(portal, address).values()) == {("done", "")}
    with open_database(portal) as session:
        dave, erin = (session.scalar(select(Account).where(Account.username == name)) for name in ("dave", "erin"))
    assert (dave.name, dave.role, erin.name, erin.role) == ("戴夫", "admin", "Erin", "user")
    assert (bound(moving), bound(newcomer), bound(both)) == (carol, dave.id, dave.id)
    with open_database(portal) as session:
        assert session.get_one(Identity, moving).last_account_id == bob


@both_databases
def test_a_repeated_application_changes_nothing(alice, portal, person):
    store_account(portal, "bob"), person("free"), person("newcomer")
    lines = "bob,,,,,free\ndave,,,,,newcomer\n"
    address = start_dry_run(alice, lines)
    alice.post_form(f"{address}/apply", accounts="1")
    before = [count_rows(portal, model) for model in (AuditEvent, Account)]
    assert alice.post_form(f"{address}/apply", accounts="1").status_code == 409
    assert alice.post_form(f"{address}/step").status_code == 303
    with open_database(portal) as session:  # as if a step had been interrupted before it was noted
        session.get_one(Import, int(address.rpartition("/")[2])).state = "applying"
        for row in session.scalars(select(ImportRow)):
            row.result = None
        session.commit()
    alice.post_form(f"{address}/step")
    assert set(read_results(portal, address).values()) == {("done", "")}
    again = start_dry_run(alice, lines)
    assert set(read_outcomes(portal, again).values()) == {("unchanged", "")}
    assert "There is nothing to apply" in alice.get(again).text
    assert [
        count_rows(portal, AuditEvent) - 1,
        count_rows(portal, Account),
    ] == before  # the end of the step, noted twice


@both_databases
def test_what_has_changed_since_the_dry_run_is_not_replaced(alice, portal, person, bound):
    bob, carol, dave = store_account(portal, "bob"), store_account(portal, "carol"), store_account(portal, "dave")
    taken, left, full = person("taken"), person("left"), person("full")
    address = start_dry_run(alice, "bob,,,,,taken\ncarol,,,,,left\ndave,,,,,full\n")
    other = person("quicker")
    with open_database(portal) as session:
        session.get_one(Identity, taken).account_id = carol
        session.get_one(Identity, left).status = LEFT
        session.get_one(Identity, other).account_id = dave
        session.commit()
    alice.post_form(f"{address}/apply")
    assert read_results(portal, address) == {2: ("failed", "changed"), 3: ("failed", "left"), 4: ("failed", "changed")}
    assert (bound(taken), bound(left), bound(full)) == (carol, None, None)
    assert bob


def test_a_long_file_goes_step_by_step(alice, portal, person, bound, monkeypatch):
    monkeypatch.setattr(csv_import, "CHECKED_AT_ONCE", 2)
    monkeypatch.setattr(csv_apply, "APPLIED_AT_ONCE", 2)
    ids = [person(f"p{number}") for number in range(5)]
    accounts = [store_account(portal, f"u{number}") for number in range(5)]
    address = start_dry_run(alice, "".join(f"u{number},,,,,p{number}\n" for number in range(5)) + "u4,,,,,p0\n")
    assert "2 of 6 lines" in alice.get(address).text
    assert alice.post_form(f"{address}/apply").status_code == 409
    for shown in ("4 of 6 lines", "6 of 6 lines", "5 new bindings"):
        alice.post_form(f"{address}/step")
        assert shown in alice.get(address).text
    assert read_outcomes(portal, address)[7] == ("conflict", "same_person")
    alice.post_form(f"{address}/apply")
    assert "3 of 6 lines" in alice.get(address).text  # two carried out, and one that will not be
    assert [bound(id) for id in ids[:3]] == [*accounts[:2], None]
    for _ in range(2):
        alice.post_form(f"{address}/step")
    assert [bound(id) for id in ids] == accounts
    assert "5 lines were applied." in alice.get(address).text


def test_an_import_is_its_administrators_alone_and_ends(alice, portal, person):
    person("free"), store_account(portal, "bob")
    address = start_dry_run(alice, "bob,,,,,free\n")
    other = sign_in_administrator(portal, "mallory")
    assert other.get(address).status_code == other.get(f"{address}/failed.csv").status_code == 404
    for what in ("apply", "step", "discard"):
        assert other.post_form(f"{address}/{what}").status_code == 404
    assert "staff.csv" in alice.get("/admin/bindings/import").text
    assert "staff.csv" not in other.get("/admin/bindings/import").text
    with open_database(portal) as session:
        session.scalars(select(Import)).one().expires_at = now()
        session.commit()
    assert alice.get(address).status_code == alice.post_form(f"{address}/apply").status_code == 404
    start_dry_run(alice, "bob,,,,,free\n")
    assert count_rows(portal, Import) == count_rows(portal, ImportRow) == 1


def test_a_file_can_be_forgotten(alice, portal, person):
    address = start_dry_run(alice, "bob,,,,,free\n")
    assert alice.post_form(f"{address}/discard").location == "/admin/bindings/import"
    assert count_rows(portal, Import) == count_rows(portal, ImportRow) == 0
    assert alice.get(address).status_code == 404


def test_the_failed_lines_come_back_with_reasons_and_can_be_uploaded_again(alice, portal, person):
    person("zhangsan", mobile="+8613812345678"), store_account(portal, "bob")
    address = start_dry_run(alice, "bob,,,+8613812345678,,,,\nbob,,,+4915112345678,,,=1+1,\n")
    alice.post_form(f"{address}/apply")
    answer = alice.get(f"{address}/failed.csv")
    headings, line = read_csv(answer)
    assert headings[-2:] == ["Line", "Reason"]
    assert line == ["bob", "", "", "'+4915112345678", "", "", "'=1+1", "", "3", "No person in the directory matches."]
    again = upload_csv(alice, answer.data)
    assert read_outcomes(portal, again.location) == {2: ("error", "no_person")}
    with open_database(portal) as session:
        row = session.scalars(select(ImportRow).order_by(ImportRow.import_id.desc())).first()
    assert (row.cells["mobile"], row.cells["name"]) == ("+4915112345678", "=1+1")


def test_every_reason_has_words_and_every_word_a_reason():
    judging, applying = (Path(module.__file__).read_text(encoding="utf-8") for module in (csv_lines, csv_apply))
    reasons = set(re.findall(r'LineProblem\("\w+", f?"(\w+)[:"]', judging))
    reasons |= {"no_account", "not_chosen", *re.findall(r'"failed", "(\w+)"', applying)}
    reasons |= {*csv_apply.REASONS.values(), *re.findall(r'refusal.code, "(\w+)"', applying)}
    assert reasons == set(csv_lines.REASONS)


# What leaves the portal


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_begins_like_a_formula(cell):
    [_, [written]] = list(csv.reader(io.StringIO("".join(csv_files.write_csv(["x"], [[cell]])), newline="")))
    assert written == f"'{cell}"
    assert csv_files.read_cell(written) == cell


def test_the_bindings_leave_as_they_are_filtered_masked_and_on_record(alice, portal, person):
    bob = store_account(portal, "bob")
    hostile = {"name": "=cmd|'/c calc'!A1", "mobile": "+8613812345678", "email": "bob@example.com"}
    person("zhangwei", account_id=bob, employee_number="E1", **hostile)
    person("lina", FSInnerAuthModel, name="李娜")
    answer = alice.get("/admin/bindings/export?provider=wecom")
    headings, line = read_csv(answer)
    row = dict(zip(headings, line, strict=True))
    assert row["Person"] == "'=cmd|'/c calc'!A1"
    assert (row["Username"], row["Employee number"], row["Platform ID"]) == ("bob", "E1", "zhangwei")
    assert (row["Mobile (masked)"], row["E-mail (masked)"]) == ("'+86138****5678", "b***@example.com")
    assert "13812345678" not in answer.text and "bob@example.com" not in answer.text
    assert len(read_csv(alice.get("/admin/bindings/export"))) == 3
    with open_database(portal) as session:
        details = session.scalars(select(AuditEvent.details).where(AuditEvent.action == "bindings.export")).all()
    assert details == [{"filter": ["provider"]}, {"filter": []}]


def test_an_export_holds_also_whom_the_page_would_not_look_at(alice, portal, person, monkeypatch):
    monkeypatch.setattr(people_filters, "MOST_COMPARED", 1)
    monkeypatch.setattr(pages, "EXPORTED_AT_ONCE", 2)
    store_account(portal, "bob", employee_number="E1")
    for name in ("a", "b", "c"):
        person(name)
    person("fits", employee_number="E1")
    ids = [row[4] for row in read_csv(alice.get("/admin/bindings/export?status=unbound"))]
    assert ids == ["Platform ID", "a", "b", "c"]
    assert [row[4] for row in read_csv(alice.get("/admin/bindings/export?status=suggested"))] == ["Platform ID", "fits"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_exported_bindings_can_be_uploaded_again_and_are_unchanged(alice, portal, person, language):
    alice.post_form("/language", language=language)
    person("zhangwei", account_id=store_account(portal, "bob"), employee_number="E1", mobile="13812345678")
    file = alice.get("/admin/bindings/export").data
    assert read_outcomes(portal, upload_csv(alice, file).location) == {2: ("unchanged", "")}


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
