"""Administrators' requests that meet in the database."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text
from support.admin_client import AdminBrowser, lock_rows


def send_at_once(server, engine, *calls):
    """Send requests that all pass the guard before one can write.

    Return their answers, in the order of the calls.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        with lock_rows(engine, "identity"):
            requests = [pool.submit(call) for call in calls]
            wait_for_locks(engine, requests, AdminBrowser(server, None))
        return [request.result(timeout=60) for request in requests]


def wait_for_locks(engine, requests, passer_by):
    """Wait until all requests wait for a lock.

    SQLite tells no one who waits; there the others' requests take their time.
    """
    if engine.dialect.name == "sqlite":
        for _ in range(30):
            assert passer_by.get("/admin/queue").status_code == 401
        return
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    count = 0
    while count < len(requests):
        assert not any(request.done() for request in requests)
        with engine.connect() as connection:
            count = connection.execute(waiting).scalar_one()
