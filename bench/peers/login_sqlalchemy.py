"""Flask-Login with Flask-SQLAlchemy: Authlib's client as it comes, and a row for each session."""

import os
import secrets
from datetime import UTC, datetime, timedelta

from flask import jsonify
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, bindparam, event, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Mapped, mapped_column

from bench.peers.authlib_cookie import make_app

db, manager = SQLAlchemy(), LoginManager()


class User(UserMixin, db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None]
    email: Mapped[str | None]
    token = None

    def get_id(self):
        return self.token


class UserSession(db.Model):
    token: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    ends_at: Mapped[datetime]


BY_TOKEN = select(User).join(UserSession).where(UserSession.token == bindparam("token"))
BY_TOKEN = BY_TOKEN.where(UserSession.ends_at > bindparam("now"))
BY_SUBJECT = select(User).where(User.subject == bindparam("subject"))


def get_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@event.listens_for(Engine, "connect")
def prepare(connection, record):
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=4000"):
        connection.execute(f"PRAGMA {pragma}")


@manager.user_loader
def load_user(token):
    user = db.session.scalar(BY_TOKEN, {"token": token, "now": get_now()})
    if user is not None:
        user.token = token
    return user


def open_session(person: dict):
    user = db.session.scalar(BY_SUBJECT, {"subject": person["union_id"]})
    if user is None:
        user = User(subject=person["union_id"])
        db.session.add(user)
    user.name, user.email, token = person["name"], person["email"], secrets.token_urlsafe(32)
    db.session.flush()
    db.session.add(UserSession(token=token, user_id=user.id, ends_at=get_now() + timedelta(days=1)))
    db.session.commit()
    user.token = token
    login_user(user)


app = make_app(open_session)
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.environ['FOLDER']}/login_sqlalchemy.db"
db.init_app(app)
manager.init_app(app)


@app.get("/api/session")
@login_required
def show_session():
    return jsonify({"account": {"id": current_user.id, "name": current_user.name}})


if __name__ == "__main__":
    with app.app_context():
        db.create_all()
