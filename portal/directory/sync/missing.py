"""Asks the platform about stored people it did not list."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import select

from portal.database import db
from portal.directory.sync.journal import MOST_NAMED, Journal
from portal.directory.sync.reading import Reader
from portal.directory.sync.stored import StoredPeople
from portal.errors import NOT_ALLOWED, NOT_FOUND, Code
from portal.models import ACTIVE, LEFT, MAY_SIGN_IN, Identity
from portal.providers.client import AnswerAboutAnother
from portal.text import is_clean

PEOPLE_AT_ONCE = 500  # loaded to ask about them


class Answer(NamedTuple):
    """The platform's answer about a person.

    :param person: as `Survey.entry()` returns it; `None` where the platform does not tell.
    """

    identity_id: int
    has_left: bool
    person: dict | None

    @property
    def is_frozen(self) -> bool:
        return not self.has_left and self.person is not None and self.person.get("status", ACTIVE) not in MAY_SIGN_IN


class MissingPeople:
    """The people that were not listed."""

    def __init__(self, reader: Reader, stored: StoredPeople, journal: Journal):
        self.reader, self.stored, self.journal = reader, stored, journal
        self.subjects = stored.list_missing()
        self.names: dict[str, list[str]] = {"left": [], "changed": [], "out_of_sight": []}

    def count_losses(self) -> None:
        """Count missing people as losing their access.

        Only those count that the run before has listed.
        """
        losing = [
            subject for subject in self.subjects if self.stored.was_listed(subject) and self.stored.may_sign_in(subject)
        ]
        self.journal.counts["unseen"] = len(self.subjects)
        self.journal.name("losing", *(identity.shown_name for identity in self.load(losing[:MOST_NAMED])))
        self.journal.count("losing", max(0, len(losing) - MOST_NAMED))

    def ask(self) -> list[Answer]:
        """Return the answers that change something.

        A person that is only out of sight, and was not listed by the run before, stays as stored.
        """
        answers = []
        for start in range(0, len(self.subjects), PEOPLE_AT_ONCE):
            identities = self.load(self.subjects[start : start + PEOPLE_AT_ONCE])
            for identity, answer in self.reader.read_in_threads(identities, self.ask_about):
                if self.note_answer(identity, answer):
                    answers.append(answer)
        return answers

    def note_answer(self, identity: Identity, answer: Answer) -> bool:
        """Count an answer and return whether it changes something."""
        was_listed = self.stored.was_listed(identity.subject)
        kind = "left" if answer.has_left else "changed" if answer.is_frozen else "out_of_sight"
        self.journal.count("asked")
        self.names[kind].append(identity.shown_name)
        if kind != "out_of_sight" and not was_listed and identity.status in MAY_SIGN_IN:
            self.journal.name("losing", identity.shown_name)
        return answer.has_left or was_listed or answer.person is not None

    def ask_about(self, identity: Identity) -> Iterator[tuple[Identity, Answer]]:
        """Yield the platform's answer about a person.

        Several threads call it.
        """
        directory = self.reader.directory
        key = getattr(identity, directory.lasting_id)
        try:
            person = self.reader.survey.entry(self.reader.call(lambda: directory.member(key)))
            if person["subject"] != identity.subject:
                raise AnswerAboutAnother()
            if not is_clean(person["userId"]):
                person["userId"] = identity.user_id
        except AnswerAboutAnother:
            with self.journal.lock:
                self.journal.warn("unanswered_person", identity.shown_name)
            yield identity, Answer(identity.id, False, None)
        except Code as error:
            if error.code not in (NOT_FOUND, NOT_ALLOWED):
                raise
            has_left = error.code == NOT_FOUND and error.native not in directory.unclear
            yield identity, Answer(identity.id, has_left, None)
        else:
            yield identity, Answer(identity.id, person.get("status") == LEFT, person)

    def name_all(self) -> None:
        """Count and name people by what has happened."""
        for kind, names in self.names.items():
            self.journal.name(kind, *names)

    def load(self, subjects: list[str]) -> list[Identity]:
        """Return people as they are stored, outside of any transaction."""
        provider, tenant = self.reader.company
        of_these = (Identity.provider == provider, Identity.tenant == tenant, Identity.subject.in_(subjects))
        identities = list(db.session.scalars(select(Identity).where(*of_these)))
        db.session.expunge_all()
        db.session.rollback()
        return identities
