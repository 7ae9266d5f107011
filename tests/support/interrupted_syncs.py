"""Syncs that are killed or paused, and a company that changes meanwhile."""

from datetime import timedelta

from sqlalchemy import update
from support.admin_client import open_database
from support.syncs import APPS

from portal.clocks import now
from portal.models import SyncRun

INTERRUPTED = ("tests/support/interrupted.py",)


def expire_leases(portal):
    with open_database(portal) as session:
        session.execute(update(SyncRun).values(leased_until=now() - timedelta(seconds=1)))
        session.commit()


def reset_company(sandbox, name, departments=5):
    """Make the company what it is before the changes.

    :param departments: to add.
    """
    sandbox.reset()
    for number in range(departments):
        sandbox.department(f"3{number:02}", add=True, provider=APPS[name]["provider"])


def change_company(sandbox, name):
    """Add, move, change and remove people and departments."""
    provider = APPS[name]["provider"]
    for key in ("bob", "zhouba", "wujiu"):
        sandbox.person(provider, key, resign=True)
    for key in ("carol", "chenyi"):
        sandbox.person(provider, key, hide=True)
    for number in range(5):
        sandbox.person(provider, f"new{number}", add=True, departments=["7", "90"])
    sandbox.person(provider, "zhangsan", name="张三丰")
    sandbox.person(provider, "wangwu", departments=["7"])
    sandbox.person(provider, "alice", freeze=True)
    sandbox.person(provider, "sunqi", activate=True)
    sandbox.department("90", add=True, provider=provider, parent="2")
    sandbox.department("304", remove=True, provider=provider)
    sandbox.department("6", name="登录组", parent="7", provider=provider)
