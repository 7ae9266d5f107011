"""Reads departments and people that may have changed."""

import hashlib
import marshal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from portal.database import db
from portal.directory import cleaning, departments, people
from portal.directory.bulk import ListedPerson
from portal.directory.cleaning import CleanPerson
from portal.directory.protocol import Directory, Survey, SyncedElement
from portal.directory.sync.guard import FEW_LOSSES
from portal.directory.sync.journal import Journal
from portal.directory.sync.stored import StoredPeople
from portal.errors import UNAVAILABLE, Code
from portal.models import ACTIVE, MAY_SIGN_IN
from portal.providers.survey import Pace, PacedCaller, read_in_threads
from portal.text import is_clean, one_line

BATCH_SIZE = 2000  # people in one transaction
NO_PEOPLE = "the platform listed no people; check what the app may see"


@dataclass(frozen=True)
class Tree:
    """The departments that an element may see.

    :param extent: `departments.WHOLE` or `departments.PART`.
    :param visible: their ids, `None` for the whole company.
    """

    departments: list[dict]
    extent: str
    visible: set[str] | None


class Reader:
    """Reads an element's directory within the platform's limits.

    :param company: provider and tenant.
    :param stopped: set when nothing more is wanted.
    """

    def __init__(self, element: SyncedElement, company: tuple[str, str], journal: Journal, stopped: threading.Event):
        self.element, self.company, self.journal, self.stopped = element, company, journal, stopped
        self.directory: Directory = element.directory_client()
        self.directory.stored_token.trust()
        self.pace = Pace(self.directory.limits if element.keepsLimits else ())
        self.call = PacedCaller(self.pace, stopped)
        self.survey: Survey = self.directory.survey(self.call)

    def read_departments(self) -> Tree:
        """Return the departments, without those that make no tree."""
        rows = []
        for page in self.read_in_threads([self.survey], lambda survey: survey.departments(), threads=1):
            rows += page
            self.journal.count("pages")
            self.journal.count("departments", len(page))
        tree, faults = departments.build_tree(rows)
        for fault, ids in faults.items():
            self.journal.warn(fault, *ids)
        self.journal.counts["departments"] = len(tree)
        if self.survey.whole:
            return Tree(tree, departments.WHOLE, None)
        self.survey.elsewhere = departments.map_open_ids(*self.company)
        db.session.rollback()
        return Tree(tree, departments.PART, {dept["deptId"] for dept in tree})

    def read_people(self, stored: StoredPeople) -> Iterator[list[ListedPerson]]:
        """Yield batches of people that may have changed.

        :raises Code: UNAVAILABLE when the platform lists no people any more.
        """
        yield from split_batches(self.read_sources(stored))
        for fault, ids in self.survey.unread.items():
            self.journal.warn(fault, *dict.fromkeys(ids))
        may_vanish = 0 if self.survey.whole else FEW_LOSSES  # the only people of a small range, who are asked about
        if stored.listed_before > may_vanish and not self.journal.counts["people"]:
            raise Code(UNAVAILABLE, NO_PEOPLE)

    def read_sources(self, stored: StoredPeople) -> Iterator[list[ListedPerson]]:
        sources = self.survey.sources()
        self.journal.counts["sources"] = len(sources)
        return self.read_in_threads(sources, lambda source: self.read_source(source, stored))

    def read_source(self, source: object, stored: StoredPeople) -> Iterator[list[ListedPerson]]:
        """Yield lists of people that may have changed.

        Several threads call it.
        """
        for page in self.survey.members(source):
            listed = [self.make_listed_person(person, stored) for person in page]
            with self.journal.lock:
                self.journal.count("pages")
                changed = [person for person in listed if self.note_person(person, stored)]
            if changed:
                yield changed
        with self.journal.lock:
            self.journal.count("sources_read")

    def make_listed_person(self, person: dict, stored: StoredPeople) -> ListedPerson:
        """Return what is needed of a person that was read."""
        subject, user_id, digest = person.pop("subject"), person.get("userId"), calculate_digest(person)
        if stored.has_digest(subject, digest):
            return ListedPerson(subject, digest, user_id, None)
        columns = people.list_changes(self.clean_person(subject, person), self.element.name, {})
        return ListedPerson(subject, digest, user_id, columns)

    def clean_person(self, subject: str, values: dict) -> CleanPerson:
        provider, tenant = self.company
        person = CleanPerson(provider=provider, tenant=tenant, subject=subject, **values)
        return cleaning.clean_in_place(person, self.element.avatar_hosts)

    def note_person(self, person: ListedPerson, stored: StoredPeople) -> bool:
        """Count a person and return whether they may have changed."""
        subject, _digest, user_id, columns = person
        if stored.is_read(subject):
            return False  # in another department, too
        if columns is not None and not (is_clean(subject) and is_clean(user_id)):
            self.journal.warn("unusable_person", columns.get("name") or one_line(subject))
            return False
        could_sign_in = stored.may_sign_in(subject)
        stored.mark_read(subject)
        self.journal.count("people")
        if columns is None:
            self.journal.count("unchanged")
            return False
        if could_sign_in and ends_access(person):
            self.journal.name("losing", columns.get("name") or user_id)
        return True

    def read_in_threads(self, tasks: Iterable, read: Callable, threads: int | None = None) -> Iterator:
        """Yield what `read(task)` yields for each task."""
        threads = threads or self.directory.at_once
        return read_in_threads(tasks, read, threads, self.stopped, self.journal.beat)


def ends_access(person: ListedPerson) -> bool:
    """Return whether a person has left or is frozen."""
    return person.columns.get("status", ACTIVE) not in MAY_SIGN_IN


def split_batches(lists: Iterable[list[ListedPerson]]) -> Iterator[list[ListedPerson]]:
    """Yield people in batches of one size."""
    waiting = []
    for people_listed in lists:
        waiting += people_listed
        while len(waiting) >= BATCH_SIZE:
            yield waiting[:BATCH_SIZE]
            del waiting[:BATCH_SIZE]
    if waiting:
        yield waiting


def calculate_digest(person: dict) -> bytes:
    return hashlib.blake2b(marshal.dumps(person, 2), digest_size=16).digest()  # 2: no marks of shared objects
