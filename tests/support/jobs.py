"""Jobs for the tests: asked for as a page does, and their runs."""

from sqlalchemy import select
from support.admin_client import inside
from support.syncs import soon

from portal.directory import jobs
from portal.models import SyncRun


def ask(portal, name, **wishes):
    """Ask for a sync as the page does."""
    with portal.app_context():
        return jobs.ask(name, 1, **wishes) is not None


def rows(portal):
    with inside(portal) as session:
        return list(session.scalars(select(SyncRun).order_by(SyncRun.id)))


def ended(portal, number=1):
    """Return the runs once so many have ended."""
    return soon(lambda: [row for row in rows(portal) if row.ended_at][number - 1 :] and rows(portal), seconds=60)
