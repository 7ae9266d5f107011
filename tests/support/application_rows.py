"""Applications, groups and what happened at them, for the tests.

Call these functions inside an app's context.
"""

from datetime import timedelta

from support.rows import store_row

from portal.clocks import now
from portal.database import db
from portal.models import (
    Application,
    ApplicationSecret,
    AuditEvent,
    Door,
    Group,
    GroupMember,
    LoginSession,
    ProxyProblem,
    Revision,
)


def add_group(name, title=None, everybody=False):
    members = [GroupMember(kind="everybody")] if everybody else []
    return store_row(Group(name=name, title=title or name.title(), members=members))


def add_application(name, groups=(), **fields):
    """Store an application, at https://<name>.example.com unless told."""
    values = {"title": name.title(), "hosts": [f"https://{name}.example.com"], **fields}
    return store_row(Application(name=name, groups=list(groups), **values))


def add_door(application, account, ended_at=None, **fields):
    """Store a session of an account, with a door to an application."""
    number = db.session.query(LoginSession).count()
    session = store_row(
        LoginSession(
            token_hash=f"door {number}".encode().ljust(32),
            account_id=account.id,
            how="qr",
            expires_at=now().replace(year=2999),
            ended_at=ended_at,
            ended_why="disabled" if ended_at else None,
        )
    )
    host = application.hosts[0] if application.hosts else "https://none.example.com"
    seen = {"groups": [], "told": {}, "seen_revision": db.session.get(Revision, 1).number}
    return store_row(
        Door(
            token_hash=f"token {number}".encode().ljust(32),
            application_id=application.id,
            session_id=session.id,
            account_id=account.id,
            host=host,
            **seen,
            **fields,
        )
    )


def add_event(action, application, account=None, result=0, days=0):
    """Store an entry of the audit log about an application."""
    ids = {"account_id": account and account.id, "actor_id": account and account.id}
    at = now() - timedelta(days=days)
    return store_row(AuditEvent(action=action, at=at, result=result, details={"application": application.name}, **ids))


def add_problem(application, kind, detail):
    return store_row(ProxyProblem(application_id=application.id, kind=kind, detail=detail, seen_at=now()))


def add_secret(application, hint="wxyz", **fields):
    number = db.session.query(ApplicationSecret).count()
    secret_hash = f"secret {number}".encode().ljust(32)
    return store_row(ApplicationSecret(application_id=application.id, secret_hash=secret_hash, hint=hint, **fields))
