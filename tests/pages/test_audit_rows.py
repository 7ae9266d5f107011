"""Rows of the audit log are only ever added."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from support.admin_client import open_database
from support.audit_entries import add_entry
from support.portal_app import both_databases

from portal import models
from portal.clocks import now
from portal.models import AuditEvent


@both_databases
def test_a_row_cannot_be_changed_or_removed_while_it_is_new(portal):
    young = add_entry(portal, "login")
    with open_database(portal) as session:
        session.add(AuditEvent(action="login", at=now() - timedelta(days=models.AUDIT_KEPT + 1)))
        session.commit()
        old = session.scalar(select(func.max(AuditEvent.id)))
    for change in (
        update(AuditEvent).where(AuditEvent.id == young).values(result=0),
        update(AuditEvent).where(AuditEvent.id == old).values(actor_id=7),
        delete(AuditEvent).where(AuditEvent.id == young),
    ):
        with open_database(portal) as session, pytest.raises(DBAPIError):
            session.execute(change)
    with open_database(portal) as session:
        session.execute(delete(AuditEvent).where(AuditEvent.id == old))  # what a retention may take
        session.commit()
        assert session.scalars(select(AuditEvent.id)).all() == [young]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_audit_log_cannot_be_emptied_at_once(portal):
    add_entry(portal, "login")
    with open_database(portal) as session, pytest.raises(DBAPIError):
        session.execute(text("TRUNCATE audit_event"))


def test_no_route_changes_the_audit_log(portal):
    rules = [rule for rule in portal.url_map.iter_rules() if rule.endpoint.startswith("admin_audit.")]
    assert {method for rule in rules for method in rule.methods} == {"GET", "HEAD", "OPTIONS"}
