"""A full sync of one element: read everything, compare, ask about people not listed, and only then write.

Memory stays flat: what has changed waits in a file, and of what is stored only digests are at hand. An element's first
sync writes people while it reads the next, but for what takes somebody's access away: that waits for the guard.
"""

import hashlib
import logging
import marshal
import pickle
import tempfile
import threading
import time

from sqlalchemy import and_, delete, or_, select

from portal import database
from portal.clocks import now
from portal.database import db
from portal.directory import bulk, cleaning, departments, memberships, people, runs
from portal.directory.cleaning import CleanPerson
from portal.errors import FAULT, NOT_ALLOWED, NOT_FOUND, UNAVAILABLE, Code
from portal.models import ACTIVE, LEFT, MAY_SIGN_IN, BindingRequest, Identity, Listing, LoginSession, SyncRun
from portal.providers.client import AnswerAboutAnother
from portal.providers.survey import Pace, PacedCaller, read_in_threads
from portal.text import is_clean, one_line

log = logging.getLogger(__name__)

BATCH = 2000  # people in one transaction
ASKED = 500  # people looked up at a time, to ask about them
BEAT = 1.0  # seconds between two signs of life
FEW, SHARE = 10, 0.1  # so many losses, or such a share of the people looked at, need no administrator's yes
NAMED = 100  # people a report names of each kind
NOBODY = "the platform has listed nobody at all; check what the app may see"
SEEN = b""
LISTED, IN_USE = 1, 2  # of stored people: listed by the run before; bound, waiting for it, or with an open session
COUNTS = (
    *("pages", "departments", "sources", "sources_read", "people", "unchanged", "new", "changed", "moved"),
    *("losing", "unseen", "asked", "left", "out_of_sight", "written"),
    *("departments_new", "departments_changed", "departments_removed"),
)


class SyncGuarded(Exception):
    """So many would lose their access that an administrator has to say yes first."""


class Sync:
    """One run; `phase`, `counts` and `report` tell how far it is.

    :param element: whose directory.
    :param lease: the right to write.
    :param tell: called with the run about once a second.
    """

    def __init__(self, element, lease: runs.Lease, tell=lambda sync: None):
        run = db.session.get_one(SyncRun, lease.run_id)
        self.dry_run, self.started_at = run.dry_run, run.started_at
        answered = db.session.get(SyncRun, run.answers_id) if run.answers_id else None
        self.accepted = answered and answered.counts["losing"]  #: how many losses an administrator has seen
        db.session.rollback()
        self.element, self.lease, self.tell = element, lease, tell
        self.client, self.stopped = element.directory_client(), threading.Event()
        self.reading = threading.Lock()  # held by a thread that notes whom it has read
        self.pace = Pace(self.client.limits if element.keepsLimits else ())
        self.call = PacedCaller(self.pace, self.stopped)
        self.survey = self.client.survey(self.call)
        self.client.stored_token.trust()
        self.phase, self.counts, self.report, self.failure = "", dict.fromkeys(COUNTS, 0), {}, None
        self.active_before, self.listed_before, self.first, self.heard_at = 0, 0, False, 0.0

    def run(self) -> str:
        """Sync; note how it has ended, and return that: `done`, `failed` or `stopped`.

        :raises LeaseLost: when another run has taken over meanwhile.
        """
        try:
            self.sync()
            state = "done"
        except SyncGuarded:
            state = "stopped"
        except Code as error:
            state, self.failure = "failed", [error.code, error.reason, error.native]
        except runs.LeaseLost:
            raise
        except KeyboardInterrupt:
            state, self.failure = "failed", runs.GONE
        except database.FAILURES as error:
            log.error("%s: the database cannot be used: %s", self.element.name, database.explain(error))
            state, self.failure = "failed", [UNAVAILABLE, "the database is not available", None]
        except Exception:
            log.exception("%s: the sync fails", self.element.name)
            state, self.failure = "failed", [FAULT, "a fault of the portal", None]
        finally:
            self.stopped.set()
            db.session.rollback()
        self.phase = ""
        runs.end(self.lease, state, self.element.name, counts=self.counts, report=self.report, failure=self.failure)
        self.tell(self)
        return state

    def sync(self):
        self.begin("departments")
        self.company = (self.element.provider, self.element.tenant())
        tree = self.read_departments()
        with tempfile.TemporaryFile() as changed:
            self.begin("people")
            self.stored = self.load_stored()
            self.first = not self.listed_before and not self.dry_run
            if self.first:
                self.write_departments(tree)
            self.read_people(changed)
            unseen = [subject for subject, known in self.stored.items() if known is not SEEN and known[1]]
            self.note_missing(unseen)
            self.check_losses()
            self.begin("leavers")
            answers, names = self.ask_about(unseen)
            self.check_losses()
            for kind, found in names.items():
                self.note(kind, *found)
            self.begin("writing")
            if self.dry_run:
                self.compare(tree, changed)
            else:
                self.write(tree, changed, answers)

    # Reading

    def read_departments(self) -> list[dict]:
        told = []
        for page in self.gather([self.survey], lambda survey: survey.departments(), threads=1):
            told += page
            self.count("pages")
            self.count("departments", len(page))
        tree, faults = departments.sound(told)
        for fault, ids in faults.items():
            self.warn(fault, *ids)
        self.counts["departments"] = len(tree)
        self.extent, self.in_sight = departments.WHOLE, None
        if not self.survey.whole:
            self.extent, self.in_sight = departments.PART, {dept["deptId"] for dept in tree}
            self.survey.elsewhere = departments.readable(*self.company)
            db.session.rollback()
        return tree

    def load_stored(self) -> dict[str, bytes]:
        """Return by subject what is stored of the company's people.

        That is their status, whether they were listed or are in use, and the digest of what was told last.
        """
        found = db.session.execute(stored_people(*self.company, self.element.name).execution_options(yield_per=BATCH))
        stored = {}
        for subject, status, listed, in_use, digest in found:
            kind = (LISTED if listed else 0) | (IN_USE if in_use else 0)
            stored[subject] = bytes([status, kind]) + bytes.fromhex(digest or "")
            self.listed_before += bool(listed)
            self.active_before += bool(kind) and status in MAY_SIGN_IN
        db.session.rollback()
        return stored

    def read_people(self, changed):
        for batch in self.batches_read():
            if self.first:
                now_written = [entry for entry in batch if not shuts_out(entry)]
                batch = [entry for entry in batch if shuts_out(entry)]
                if now_written:
                    self.write_batch(now_written)
            if batch:
                pickle.dump(batch, changed)
        for fault, ids in self.survey.unread.items():
            self.warn(fault, *dict.fromkeys(ids))
        usual = FEW if not self.survey.whole else 0  # a range may have held a few people alone, who are asked about
        if self.listed_before > usual and not self.counts["people"]:
            raise Code(UNAVAILABLE, NOBODY)

    def batches_read(self):
        """Yield people as they are read, as far as there may be something to write."""
        sources, waiting = self.survey.sources(), []
        self.counts["sources"] = len(sources)
        for found in self.gather(sources, self.read_source):
            waiting += found
            while len(waiting) >= BATCH:
                yield waiting[:BATCH]
                del waiting[:BATCH]
        if waiting:
            yield waiting

    def read_source(self, source):
        """Yield lists of people of whom there may be something to write; called by several threads."""
        for page in self.survey.members(source):
            entries = [self.entry(told) for told in page]
            with self.reading:
                self.count("pages")
                entries = [entry for entry in entries if self.sight(*entry)]
            if entries:
                yield entries
        with self.reading:
            self.count("sources_read")

    def entry(self, told: dict) -> tuple:
        """Return subject, digest, user id and columns of a person; no columns where all is told as before."""
        subject, user_id, digest = told.pop("subject"), told.get("userId"), digest_of(told)
        known = self.stored.get(subject)
        if known and known[2:] == digest:
            return subject, digest, user_id, None
        person = cleaning.clean_in_place(
            CleanPerson(provider=self.company[0], tenant=self.company[1], subject=subject, **told),
            self.element.avatar_hosts,
        )
        return subject, digest, user_id, people.list_changes(person, self.element.name, {})

    def sight(self, subject: str, digest: bytes, user_id: str, values: dict | None) -> bool:
        """Note that somebody was listed; return whether there may be something to write."""
        known = self.stored.get(subject)
        if known is SEEN:
            return False  # in another department, too
        if values is not None and not (is_clean(subject) and is_clean(user_id)):
            self.warn("unusable_person", values.get("name") or one_line(subject))
            return False
        self.stored[subject] = SEEN
        self.count("people")
        if values is None:
            self.count("unchanged")
            return False
        if known is not None and known[0] in MAY_SIGN_IN and values.get("status", ACTIVE) not in MAY_SIGN_IN:
            self.note("losing", values.get("name") or user_id)
        return True

    # People who are not listed

    def note_missing(self, unseen: list[str]):
        """Count those who were listed last time as losing their access."""
        known = ((subject, self.stored[subject]) for subject in unseen)
        missing = [subject for subject, (status, kind, *_) in known if kind & LISTED and status in MAY_SIGN_IN]
        self.counts["unseen"] = len(unseen)
        self.note("losing", *(identity.shown_name for identity in self.identities(missing[:NAMED])))
        self.count("losing", max(0, len(missing) - NAMED))

    def check_losses(self):
        """Stop where so many would lose their access that it looks like a mistake.

        :raises SyncGuarded: unless an administrator has said yes to about as many.
        """
        allowed = max(FEW, SHARE * self.active_before)
        if self.accepted is not None:
            allowed = max(allowed, self.accepted + FEW)
        if self.counts["losing"] > allowed:
            raise SyncGuarded()

    def ask_about(self, unseen: list[str]) -> tuple[list[tuple], dict[str, list[str]]]:
        """Ask about people not listed: return what is to be written, and their names by what they turned out to be.

        To be written are id, whether they have left, and what was told. Whoever is only out of sight, and was not
        listed last time, stays as they are.
        """
        answers, names = [], {"left": [], "changed": [], "out_of_sight": []}
        for at in range(0, len(unseen), ASKED):
            for identity, left, told in self.gather(self.identities(unseen[at : at + ASKED]), self.ask_one):
                listed = self.stored[identity.subject][1] & LISTED
                frozen = not left and told is not None and told.get("status", ACTIVE) not in MAY_SIGN_IN
                self.count("asked")
                names["left" if left else "changed" if frozen else "out_of_sight"].append(identity.shown_name)
                if (left or frozen) and not listed and identity.status in MAY_SIGN_IN:
                    self.note("losing", identity.shown_name)
                if left or listed or told is not None:
                    answers.append((identity.id, left, told))
        return answers, names

    def ask_one(self, identity: Identity):
        """Ask the platform about a person: yield them, whether they have left, and what was told about them."""
        key = getattr(identity, self.client.lasting_id)
        try:
            told = self.survey.entry(self.call(lambda: self.client.member(key)))
            if told["subject"] != identity.subject:
                raise AnswerAboutAnother()
            if not is_clean(told["userId"]):
                told["userId"] = identity.user_id
        except AnswerAboutAnother:
            with self.reading:
                self.warn("unanswered_person", identity.shown_name)
            yield identity, False, None
        except Code as error:
            if error.code not in (NOT_FOUND, NOT_ALLOWED):
                raise
            yield identity, error.code == NOT_FOUND and error.native not in self.client.unclear, None
        else:
            yield identity, told.get("status") == LEFT, told

    def identities(self, subjects: list[str]) -> list[Identity]:
        mine = (Identity.provider == self.company[0], Identity.tenant == self.company[1])
        found = list(db.session.scalars(select(Identity).where(*mine, Identity.subject.in_(subjects))))
        db.session.expunge_all()
        db.session.rollback()
        return found

    # Writing

    def compare(self, tree, changed):
        """Count what `write()` would do."""
        if tree:
            self.count_departments(departments.compare(*self.company, tree, self.extent))
        for batch in batches_in(changed):
            self.count_people(self.difference(batch))
            db.session.rollback()

    def write(self, tree, changed, answers):
        if not self.first:
            self.write_departments(tree)
        for batch in batches_in(changed):
            self.write_batch(batch)
        for at in range(0, len(answers), FEW):
            self.write_unseen(answers[at : at + FEW])
            self.beat()
        memberships.seat_new_departments(*self.company, self.newest, check=self.hold)

    def write_departments(self, tree):
        if tree:
            self.count_departments(departments.save(*self.company, tree, self.extent, check=self.hold))
        self.newest = memberships.newest_person()

    def write_batch(self, batch):
        self.count_people(self.write_people(batch))
        if self.counts["new"] and not self.counts["written"]:
            bulk.count_anew()
        self.count("written", len(batch))
        self.beat()

    @database.retried
    def write_people(self, batch) -> bulk.Difference:
        with database.write():
            self.hold()
            bulk.take_turns(*self.company)
            difference = self.difference(batch)
            bulk.write(difference, *self.company, self.element.name)
        return difference

    def difference(self, batch) -> bulk.Difference:
        return bulk.compare(batch, *self.company, self.started_at, self.in_sight)

    @database.retried
    def write_unseen(self, answers):
        with database.write() as session:
            self.hold()
            for identity_id, left, told in answers:
                identity = session.get_one(Identity, identity_id, with_for_update=True, populate_existing=True)
                if identity.contact_at is not None and identity.contact_at > self.started_at:
                    continue  # read by themselves since then: the next sync asks again
                if left:
                    people.mark_left(identity, self.element.name)
                elif told is not None:
                    provider, tenant = self.company
                    person = CleanPerson(provider=provider, tenant=tenant, **told)
                    person = cleaning.clean_in_place(person, self.element.avatar_hosts)
                    people.save_person(person, self.element.name, identity)
                mine = (Listing.element == self.element.name, Listing.identity_id == identity_id)
                session.execute(delete(Listing).where(*mine))

    def count_departments(self, changes: dict):
        for kind, number in changes.items():
            self.count(f"departments_{kind}", number)

    def count_people(self, difference: bulk.Difference):
        for kind, names in difference.names().items():
            self.note(kind, *names)

    # Telling how far it is

    def gather(self, tasks, read, threads=None):
        return read_in_threads(tasks, read, threads or self.client.at_once, self.stopped, self.beat)

    def begin(self, phase: str):
        self.phase, self.heard_at = phase, 0.0
        self.pace.forget_calls()
        self.beat()

    def beat(self):
        """Give a sign of life about once a second: renew the lease, and tell how far it is."""
        if time.monotonic() - self.heard_at > BEAT:
            self.heard_at = time.monotonic()
            with database.write():
                self.hold()
            self.tell(self)

    def hold(self):
        self.lease.hold(phase=self.phase, counts=self.counts)

    def count(self, what: str, number: int = 1):
        self.counts[what] += number

    def note(self, what: str, *names: str):
        """Count people, and name the first of them in the report."""
        self.counts[what] += len(names)
        named = self.report.setdefault(what, [])
        named += names[: NAMED - len(named)]

    def warn(self, fault: str, *ids: str):
        named = self.report.setdefault("warnings", {}).setdefault(fault, [])
        named += ids[: NAMED - len(named)]


def share(phase: str, counts: dict) -> float | None:
    """Return how much of a phase is done, from 0 to 1, where that is known."""
    done, whole = {
        "people": (counts["sources_read"], counts["sources"]),
        "leavers": (counts["asked"], counts["unseen"]),
        "writing": (counts["written"], counts["people"] - counts["unchanged"]),
    }.get(phase, (0, 0))
    return min(1.0, done / whole) if whole else None


def stored_people(provider: str, tenant: str, element: str):
    """Select a company's people: subject, status, whether an element has listed them, whether they are in use, digest.

    In use is whoever is bound, waits in the queue, or has an open session.
    """
    listing = and_(Listing.identity_id == Identity.id, Listing.element == element)
    is_open = (LoginSession.ended_at.is_(None), LoginSession.expires_at > now(), LoginSession.identity_id.is_not(None))
    in_use = or_(
        Identity.account_id.is_not(None),
        Identity.id.in_(select(LoginSession.identity_id).where(*is_open)),
        Identity.id.in_(select(BindingRequest.identity_id).where(BindingRequest.state == "waiting")),
    )
    found = select(Identity.subject, Identity.status, Listing.element, in_use, Listing.digest)
    return found.outerjoin(Listing, listing).where(Identity.provider == provider, Identity.tenant == tenant)


def shuts_out(entry: tuple) -> bool:
    """Return whether a person read is told as left or frozen."""
    *_, values = entry
    return values.get("status", ACTIVE) not in MAY_SIGN_IN


def batches_in(file):
    """Yield the batches of people that wait in a file."""
    file.seek(0)
    while True:
        try:
            yield pickle.load(file)
        except EOFError:
            return


def digest_of(told: dict) -> bytes:
    return hashlib.blake2b(marshal.dumps(told, 2), digest_size=16).digest()  # 2: no marks of shared objects
