"""The tables of both scripts, and how they store a page."""

from sqlalchemy import JSON, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {list: JSON}


class Department(Base):
    __tablename__ = "script_department"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[str]
    leaders: Mapped[list]


class Person(Base):
    __tablename__ = "script_person"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    name: Mapped[str]
    mobile: Mapped[str]
    email: Mapped[str]
    avatar: Mapped[str]
    position: Mapped[str]
    gender: Mapped[int]
    status: Mapped[int]
    department: Mapped[list]


class Membership(Base):
    __tablename__ = "script_membership"

    department_id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(primary_key=True)


def open_database(url: str) -> Session:
    engine = create_engine(url)
    if url.startswith("sqlite"):
        event.listen(engine, "connect", quick)
    Base.metadata.create_all(engine)
    return Session(engine)


def quick(connection, record):
    """Set SQLite up as the portal does: a commit does not wait for the disk."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def save_departments(session: Session, page: list[dict]):
    for values in page:
        session.merge(Department(**values))
    session.commit()


def save_people(session: Session, department_id: str, page: list[dict]):
    for values in page:
        values["name"] = values["name"].encode("utf-8", "replace").decode()  # half a character fits no database
        session.merge(Person(**values))
        session.merge(Membership(department_id=department_id, person_id=values["id"]))
    session.commit()
