"""The bindings leave as a file that is masked, safe and on record."""

import csv
import io

import pytest
from sqlalchemy import select
from support.admin_client import open_database, store_account
from support.csv_uploads import (
    read_csv,
    read_outcomes,
    upload_csv,
)

from portal.bindings import csv_files, people_filters
from portal.models import AuditEvent, FSInnerAuthModel
from portal.pages.admin import imports as pages

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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_exported_suggestions_can_be_imported_but_weak_ones_and_administrators_are_not_filled_in(
    alice, portal, person, language
):
    alice.post_form("/language", language=language)
    store_account(portal, "strong", employee_number="E1")
    store_account(portal, "weak", email="weak@example.com")
    store_account(portal, "boss", role="admin", employee_number="E3")
    person("a", name="张伟", employee_number="E1")
    person("b", name="李娜", email="weak@example.com")
    person("c", name="王芳", employee_number="E3")
    person("d", name="陈杰")
    file = alice.get("/admin/bindings/export?status=suggested")
    _headings, *lines = read_csv(file)
    assert {line[0]: (line[1], line[13]) for line in lines} == {
        "张伟": ("strong", "strong"),
        "李娜": ("", "weak"),
        "王芳": ("", "boss"),
    }
    outcomes = read_outcomes(portal, upload_csv(alice, file.data).location).values()
    assert sorted(outcomes) == [("error", "no_username"), ("error", "no_username"), ("new", "")]


def test_an_export_of_everybody_names_suggestions_only_beside_the_username(alice, portal, person):
    store_account(portal, "strong", employee_number="E1")
    person("a", employee_number="E1")
    _headings, line = read_csv(alice.get("/admin/bindings/export"))
    assert (line[1], line[13:]) == ("", ["strong", "same employee number"])
