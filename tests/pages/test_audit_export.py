"""The audit log can be exported as a file."""

import csv
import io

import pytest
from sqlalchemy import func, select
from support.admin_client import open_database, store_account
from support.audit_entries import add_entry, read_table, store_person

from portal.audit import Client, searching
from portal.models import AuditEvent


def test_the_file_has_the_filtered_rows_masked_and_is_recorded(alice, portal):
    bob = store_account(portal, "bob", name="=1+1", mobile="13812345678", email="bob@example.com")
    add_entry(portal, "contact.reveal", actor_id=1, account_id=bob, details={"field": "mobile"})
    add_entry(portal, "login", result=40303, element="FSInnerExample")
    answer = alice.get(f"/admin/audit/export?account={bob}")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-')
    [row] = read_table(answer)
    assert (row["What"], row["By"], row["Account"]) == ("alice viewed the mobile number of bob", "alice", "bob")
    assert (row["From"], row["Reference"], row["Result"]) == ("203.0.113.7", "7F3K-2Q", "0")
    assert "13812345678" not in answer.text and "bob@example.com" not in answer.text
    everything = read_table(alice.get("/admin/audit/export"))
    assert everything[0]["Action"] == everything[1]["Action"] == "audit.export"
    with open_database(portal) as session:
        details = session.scalars(select(AuditEvent.details).where(AuditEvent.action == "audit.export")).all()
    assert details == [{"filter": ["account_id"]}, {"filter": []}]


def test_no_name_in_the_file_is_a_formula(alice, portal):
    bob, zhang = store_account(portal, "=cmd|'/c calc'!A1"), store_person(portal, name="@SUM(1)")
    add_entry(portal, "login", Client("+1", "", "-1"), actor_id=bob, account_id=bob, identity_id=zhang, element="\t=1")
    for row in csv.reader(io.StringIO(alice.get("/admin/audit/export").data.decode("utf-8-sig"), newline="")):
        assert not [cell for cell in row if cell.startswith(csv_starts())]


def csv_starts():
    return ("=", "+", "-", "@", "\t", "\r")


def test_a_long_audit_log_is_exported_whole(alice, portal):
    with open_database(portal) as session:
        many = 2 * searching.EXPORTED_AT_ONCE + 7
        session.add_all([AuditEvent(action="login", native=str(number)) for number in range(many)])
        session.commit()
    assert len(read_table(alice.get("/admin/audit/export"))) == many + 3


@pytest.mark.parametrize("path", ["/admin/audit/export", "/admin/bindings/export"])
def test_a_head_request_exports_nothing(alice, portal, path):
    assert alice.head(path).status_code == 200
    with open_database(portal) as session:
        taken = select(func.count()).select_from(AuditEvent).where(AuditEvent.action.endswith(".export"))
        assert session.scalar(taken) == 0
