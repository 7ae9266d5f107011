"""What leaves the portal as CSV runs nothing in a spreadsheet, and comes back as it was."""

import csv
import io

import pytest
from sqlalchemy import select
from support.admin_client import open_database, sign_in_administrator, store_account
from support.csv_uploads import read_csv, read_outcomes, store_person, upload_csv
from support.portal_app import both_databases

from portal.bindings import csv_files
from portal.database import db
from portal.models import Account, Department, ImportRow, Membership
from portal.text import one_line

SIGNS = "=+-@＝＋－＠"
NAMES = [
    "=1+1",
    "＝HYPERLINK(“https://evil.example”)",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "a;=1+1",
    'a;"=1+1',
    "a; ＝cmd|' /c calc'!A1",
    '"=1+1',
    '"',
    "a,b",
    "'=x",
    "''＝x",
    "'t Hooft",
    "'007",
    "O'Brien",
    "a;'b",
    "a;'=b",
    '="00123"',
]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A1", "﹦1", "﹢1"]
)
def test_no_cell_begins_like_a_formula(cell):
    [_, [written]] = list(csv.reader(io.StringIO("".join(csv_files.write_csv(["x"], [[cell]])), newline="")))
    assert written == f"'{cell}"
    assert csv_files.read_cell(written) == cell


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_reading_finds_a_formula_in_an_export(portal, delimiter):
    alice = sign_in_administrator(portal)
    ids = [
        store_person(portal, f"p{number}", name=one_line(name), account_id=store_account(portal, name))
        for number, name in enumerate(NAMES)
    ]
    with open_database(portal) as session:
        session.add(Department(id=1, provider="wecom", tenant="company", dept_id="1", name="=1+1"))
        session.flush()
        session.add_all([Membership(department_id=1, identity_id=id) for id in ids])
        session.commit()
    for page in ("/admin/bindings/export", "/admin/audit/export"):
        text = alice.get(page).data.decode("utf-8-sig")
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            assert [cell for cell in row if cell.lstrip(' "').startswith(tuple(SIGNS))] == []


def test_every_cell_of_every_file_is_quoted(portal):
    alice = sign_in_administrator(portal)
    store_person(portal, "zhangsan", account_id=store_account(portal, "bob"))
    address = upload_csv(alice, "username,name\nbob,Bob\n,x\n").location
    for page in ("bindings/export", "audit/export", "bindings/import/template.csv", f"{address[7:]}/failed.csv"):
        for line in alice.get(f"/admin/{page}").data.decode("utf-8-sig").splitlines():
            assert line.startswith('"') and line.endswith('"')
            assert len(next(csv.reader([line]))) == line.count('","') + 1


@both_databases
def test_accounts_of_any_name_come_back_as_they_were(portal):
    alice = sign_in_administrator(portal)
    for number, name in enumerate(NAMES):
        store_person(
            portal, f"p{number}", account_id=store_account(portal, name, name=name), employee_number=f"＝{number}"
        )
    rows = read_csv(alice.get("/admin/bindings/export"))
    assert len(rows) == 1 + len(NAMES)
    answer = upload_csv(alice, alice.get("/admin/bindings/export").data)
    assert set(read_outcomes(portal, answer.location).values()) == {("unchanged", "")}
    with open_database(portal):
        told = {row.cells["username"] for row in db.session.scalars(select(ImportRow))}
        assert told == set(NAMES) == set(db.session.scalars(select(Account.username).where(Account.id != 1)))


def test_the_failed_lines_come_back_as_they_were(portal):
    alice = sign_in_administrator(portal)
    rows = [["bob", "E99", name] for name in NAMES]
    file = "".join(csv_files.write_csv(["username", "employee number", "name"], rows))
    address = upload_csv(alice, file).location
    again = upload_csv(alice, alice.get(f"{address}/failed.csv").data).location
    with open_database(portal):
        for import_id in (address, again):
            rows = select(ImportRow).where(ImportRow.import_id == int(import_id.rpartition("/")[2]))
            assert [row.cells["name"] for row in db.session.scalars(rows.order_by(ImportRow.line))] == NAMES
