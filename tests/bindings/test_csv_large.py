"""A file of any shape up to 10 MB is counted while it is read, and never held as rows."""

import tracemalloc

import pytest
from sqlalchemy import select
from support.admin_client import count_rows, open_database, sign_in_administrator, strip_markup
from support.csv_uploads import post_whole_file, read_outcomes, upload_csv

from portal.bindings import csv_headings, csv_import
from portal.models import Import, ImportRow
from portal.pages.admin.imports import PROBLEMS

SIZE = 10 * 1024 * 1024 - 4096
HEAD = b"username,employee number\n"
SHAPES = {
    "short lines": (HEAD + b"a,1\n" * 2_600_000, "more than 100,000 lines"),
    "lines without a word": (HEAD + b",,,\n" * 2_600_000, "more than 100,000 lines"),
    "line ends": (b"\n" * SIZE, "more than 100,000 lines"),
    "headings": (b"username," * (SIZE // 9), "Line 1 is too long"),
    "many headings": (b"username," * 5000 + b"\na,1\n", "Line 1 has more than 200 columns"),
    "many cells": (HEAD + b"a," * 5000 + b"\n", "Line 2 has more than 200 columns"),
    "one heading": (b"u" * SIZE, "Line 1 is too long"),
    "one cell": (HEAD + b"a," + b"1" * SIZE, "Line 2 is too long"),
    "one cell of many lines": (HEAD + b'a,"' + b"1\n" * (SIZE // 2), "marks from line 2 on"),
    "one line of many lines": (HEAD + b'"\n",' * (SIZE // 10), "Line 2 has more than 200 columns"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_large_file_is_refused_with_its_reason_and_without_memory(portal, shape):
    content, words = SHAPES[shape]
    content = content[:SIZE]
    tracemalloc.start()
    try:
        with open_database(portal), pytest.raises(csv_headings.BadFile) as refusal:
            csv_import.store_upload(content, "staff.csv", 1, {})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * SIZE  # as rows it would be a hundred times as much
    with open_database(portal):
        assert words in str(PROBLEMS[refusal.value.why]) % {"line": refusal.value.line}
    assert count_rows(portal, Import) == count_rows(portal, ImportRow) == 0


def test_the_largest_file_is_answered_over_http(portal):
    alice = sign_in_administrator(portal)
    answer = post_whole_file(alice, (HEAD + b",,,\n" * 2_600_000)[:SIZE])
    assert answer.status_code == 422
    assert "more than 100,000 lines" in strip_markup(answer.text)


def test_empty_lines_below_a_table_do_no_harm(portal):
    alice = sign_in_administrator(portal)
    answer = post_whole_file(alice, HEAD + b"bob,\n" + b",,,\n" * 300_000 + b"carol,\n")
    assert read_outcomes(portal, answer.location) == {2: ("account", ""), 300_003: ("account", "")}


def test_many_lines_are_kept_a_part_at_a_time(portal, monkeypatch):
    monkeypatch.setattr(csv_import, "STORED_AT_ONCE", 7)
    alice = sign_in_administrator(portal)
    answer = upload_csv(alice, HEAD + b"".join(b"user%d,\n" % number for number in range(100)))
    assert answer.status_code == 303
    with open_database(portal) as session:
        rows = session.scalars(select(ImportRow).order_by(ImportRow.line)).all()
    assert [(row.line, row.cells) for row in rows] == [(n + 2, {"username": f"user{n}"}) for n in range(100)]
