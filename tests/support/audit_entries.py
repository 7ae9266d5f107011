"""Entries of the audit log for the tests, and what its page and its file show of them."""

import csv
import io
import re

from sqlalchemy import func, select
from support.admin_client import open_database, strip_markup

from portal.audit import Actor, Client, record
from portal.database import db, write
from portal.models import AuditEvent, QywxInnerAuthModel

CLIENT = Client("203.0.113.7", "", "7F3K-2Q")


def add_entry(portal, action, client=CLIENT, actor_id=None, **facts):
    """Add an entry as the code does, and return its id."""
    with portal.app_context():
        with write():
            record(action, Actor(actor_id, client), **facts)
        return db.session.scalar(select(func.max(AuditEvent.id)))


def store_person(portal, **fields):
    """Store a person of WeCom, and return the row's id."""
    with open_database(portal) as session:
        facts = {"provider": "wecom", "tenant": "company", "subject": "zhangwei", "user_id": "zhangwei"}
        identity = QywxInnerAuthModel(**{**facts, "name": "张伟", **fields})
        session.add(identity)
        session.commit()
        return identity.id


def read_sentences(page):
    """Return the sentences on a page, the newest first."""
    return [strip_markup(part) for part in re.findall(r'<span class="said">(.*?)</span>', page.text, re.S)]


def read_table(answer):
    """Return the rows of an exported file."""
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
