"""Jobs for the tests, and their runs."""

from sqlalchemy import select
from support.admin_client import open_database
from support.syncs import wait_for

from portal.directory import jobs
from portal.models import SyncRun


def request_sync(portal, name, **wishes):
    """Request a sync as the page does."""
    with portal.app_context():
        return jobs.request_sync(name, 1, **wishes) is not None


def list_runs(portal):
    with open_database(portal) as session:
        return list(session.scalars(select(SyncRun).order_by(SyncRun.id)))


def wait_for_runs(portal, number=1):
    """Return the runs once this many have ended."""
    return wait_for(
        lambda: [row for row in list_runs(portal) if row.ended_at][number - 1 :] and list_runs(portal), seconds=60
    )
