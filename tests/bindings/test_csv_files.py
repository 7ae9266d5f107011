"""Files are read as spreadsheets save them, and others are refused with the reason."""

import pytest
from support.admin_client import count_rows, store_account, strip_markup
from support.csv_uploads import (
    CSV_HEADER,
    post_whole_file,
    read_csv,
    read_outcomes,
    upload_csv,
)

from portal.bindings import csv_headings
from portal.models import Import

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
