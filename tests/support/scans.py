"""Scans by which users connect people with their own account."""

from sqlalchemy import select
from support.portal_app import WECOM, answer_platform

from portal.database import db
from portal.models import AuditEvent, Identity

CONFIRM = "/account/bind/confirm"


def begin_bind(client, element=WECOM):
    """Press the button to connect, and return where it leads."""
    answer = client.post_form(f"/account/bind/{element}")
    assert answer.status_code == 303, answer.text
    return answer.location


def scan_person(client, element=WECOM, person="zhangsan", action="allow"):
    """Press the button and answer at the platform.

    :return: our answer to its callback.
    """
    return client.get(answer_platform(begin_bind(client, element), person, action))


def connect_person(client, element=WECOM, person="zhangsan"):
    """Scan a person, and confirm."""
    answer = scan_person(client, element, person)
    assert (answer.status_code, answer.location) == (303, CONFIRM), answer.text
    return client.post_form(CONFIRM)


def find_rows(portal, table, *where):
    """Return the rows of a table that meet the conditions."""
    with portal.app_context():
        return db.session.scalars(select(table).where(*where).order_by(*table.__table__.primary_key)).all()


def find_holder(portal, provider="wecom"):
    """Return the username of the platform's only person."""
    with portal.app_context():
        [identity] = db.session.scalars(select(Identity).where(Identity.provider == provider))
        return identity.account and identity.account.username


def list_audit(portal):
    """Return action and result of each row of the audit log."""
    return [(row.action, row.result) for row in find_rows(portal, AuditEvent)]
