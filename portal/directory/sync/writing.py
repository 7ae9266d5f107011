"""Writes what a run changes, in short transactions."""

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import delete

from portal import database
from portal.database import db
from portal.directory import bulk, departments, memberships, people
from portal.directory.bulk import ListedPerson, PeopleChanges
from portal.directory.sync.journal import Journal
from portal.directory.sync.missing import Answer
from portal.directory.sync.reading import Reader, Tree, ends_access
from portal.models import Identity, Listing

ANSWERS_AT_ONCE = 10  # in one transaction


class WaitingBatches:
    """Batches of people in a temporary file."""

    def __init__(self):
        self.file = tempfile.TemporaryFile()

    def __enter__(self) -> "WaitingBatches":
        return self

    def __exit__(self, *_error) -> None:
        self.file.close()

    def add(self, batch: list[ListedPerson]) -> None:
        if batch:
            pickle.dump(batch, self.file)

    def __iter__(self) -> Iterator[list[ListedPerson]]:
        self.file.seek(0)
        while True:
            try:
                yield pickle.load(self.file)
            except EOFError:
                return


class Writer:
    """Writes departments, batches of people, and answers about missing people.

    :param started_at: when the run began; a person read alone since then is left for the next run.
    """

    def __init__(self, reader: Reader, tree: Tree, journal: Journal, started_at: datetime):
        self.reader, self.tree, self.journal, self.started_at = reader, tree, journal, started_at
        self.company, self.element = reader.company, reader.element.name
        self.newest_person = 0  # when the departments had been stored

    def count_changes(self, batches: Iterable[list[ListedPerson]]) -> None:
        """Count what a run would write."""
        if self.tree.departments:
            self.count_departments(departments.count_changes(*self.company, self.tree.departments, self.tree.extent))
        for batch in batches:
            self.count_people(self.compare(batch))
            db.session.rollback()

    def write_departments(self) -> None:
        """Write the departments, before the people."""
        if self.tree.departments:
            save, tree = departments.save_departments, self.tree
            self.count_departments(save(*self.company, tree.departments, tree.extent, check=self.journal.renew_lease))
        self.newest_person = memberships.find_newest_person()

    def write_harmless(self, batch: list[ListedPerson]) -> list[ListedPerson]:
        """Write people that keep their access, return the others."""
        harmless = [person for person in batch if not ends_access(person)]
        if harmless:
            self.write_batch(harmless)
        return [person for person in batch if ends_access(person)]

    def write_batch(self, batch: list[ListedPerson]) -> None:
        self.count_people(self.write_people(batch))
        if self.journal.counts["new"] and not self.journal.counts["written"]:
            bulk.analyze_tables()
        self.journal.count("written", len(batch))
        self.journal.beat()

    @database.retried
    def write_people(self, batch: list[ListedPerson]) -> PeopleChanges:
        with database.write():
            self.journal.renew_lease()
            bulk.lock_company(*self.company)
            changes = self.compare(batch)
            bulk.write_changes(changes, self.company, self.element)
        return changes

    def compare(self, batch: list[ListedPerson]) -> PeopleChanges:
        return bulk.compare_people(batch, self.company, self.started_at, self.tree.visible)

    def write_answers(self, answers: list[Answer]) -> None:
        for start in range(0, len(answers), ANSWERS_AT_ONCE):
            self.write_some_answers(answers[start : start + ANSWERS_AT_ONCE])
            self.journal.beat()

    @database.retried
    def write_some_answers(self, answers: list[Answer]) -> None:
        with database.write() as session:
            self.journal.renew_lease()
            for answer in answers:
                identity = session.get_one(Identity, answer.identity_id, with_for_update=True, populate_existing=True)
                if identity.contact_at is None or identity.contact_at <= self.started_at:
                    self.write_answer(answer, identity)

    def write_answer(self, answer: Answer, identity: Identity) -> None:
        """Store an answer about a person no longer listed."""
        if answer.has_left:
            people.mark_left(identity, self.element)
        elif answer.person is not None:
            values = dict(answer.person)
            person = self.reader.clean_person(values.pop("subject"), values)
            people.save_person(person, self.element, identity)
        listing = (Listing.element == self.element, Listing.identity_id == identity.id)
        db.session.execute(delete(Listing).where(*listing))

    def fill_departments(self) -> None:
        """Add the memberships of new departments."""
        memberships.fill_new_departments(*self.company, self.newest_person, check=self.journal.renew_lease)

    def count_departments(self, numbers: dict[str, int]) -> None:
        for kind, number in numbers.items():
            self.journal.count(f"departments_{kind}", number)

    def count_people(self, changes: PeopleChanges) -> None:
        for kind, names in changes.list_names().items():
            self.journal.name(kind, *names)
