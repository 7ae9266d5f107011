"""Whatever happens in whatever order, an ended session never works again.

Hypothesis makes up the order. A small model knows which sessions must work: those do, and no others.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from support.admin_client import open_database
from support.portal_app import both_databases
from support.session_models import PEOPLE, PersonModel, SessionModel, World
from support.syncs import PROVIDERS, run_sync

from portal.accounts import accounts
from portal.audit import Actor
from portal.bindings import rules
from portal.database import fingerprint
from portal.errors import Code
from portal.models import LoginSession
from portal.signin import one_time_links, sessions

OPERATOR = Actor()
LEAVING = {"left": "resign", "frozen": "freeze"}
GIVEN_BACK = ("move", "unbind", "disable", "freeze", "leave")
browsers, people, account_numbers = st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)


class Sessions(RuleBasedStateMachine):
    """Three browsers, three people and three accounts."""

    world: World

    def __init__(self):
        super().__init__()
        self.world.restore()
        self.portal = self.world.portal
        self.browsers = [self.portal.test_client() for _ in range(3)]
        self.current: list[SessionModel | None] = [None] * 3
        self.opened: list[SessionModel] = []
        self.accounts = [account for _, account in self.world.people]
        self.active = dict.fromkeys(self.accounts, True)
        pairs = zip(PEOPLE, self.world.people, strict=True)
        self.people = [PersonModel(id, element, key, account) for (element, key), (id, account) in pairs]

    def end(self, condition):
        for session in self.opened:
            session.works = session.works and not condition(session)

    def attempt(self, act, *arguments, **named):
        """Do something as an operator, and tell whether it was accepted."""
        with self.portal.app_context():
            try:
                act(*arguments, by=OPERATOR, **named)
            except Code:
                return False
        return True

    def find_session_id(self, session):
        with open_database(self.portal) as database:
            return database.scalar(select(LoginSession.id).where(LoginSession.token_hash == fingerprint(session.token)))

    @initialize()
    def sign_in_everywhere(self):
        for number in range(3):
            self.sign_in(number, number)

    @rule(browser=browsers, number=people)
    def sign_in(self, browser, number):
        person = self.people[number]
        answer = self.sign_in_answer(browser, person)
        may = person.state == "active" and person.account is not None and self.active[person.account]
        assert (answer == "/account") == may, (answer, person)
        if may:
            self.note_session(browser, person.id, person.account)

    @rule(browser=browsers, number=account_numbers)
    def sign_in_by_link(self, browser, number):
        account = self.accounts[number]
        if self.active[account]:
            with self.portal.app_context():
                token = one_time_links.hand_out_link(account, by=OPERATOR)
            assert self.browsers[browser].post_form(f"/login/once/{token}").status_code == 303
            self.note_session(browser, None, account)

    def note_session(self, browser, person, account):
        if self.current[browser] is not None:
            self.current[browser].works = False
        self.current[browser] = SessionModel(self.browsers[browser].cookie(), person, account)
        self.opened.append(self.current[browser])

    def sign_in_answer(self, browser, person):
        address = self.browsers[browser].scan(person.element, person.key)
        return self.browsers[browser].get(address).location

    @rule(browser=browsers)
    def use(self, browser):
        session = self.current[browser]
        answer = self.browsers[browser].session()
        works = session is not None and session.works
        assert answer.status_code == (200 if works else 401)
        if works:
            assert answer.json["account"]["id"] == session.account

    @rule(browser=browsers)
    def sign_out(self, browser):
        assert self.browsers[browser].post_form("/logout").status_code == 303
        if self.current[browser] is not None:
            self.current[browser].works = False
            self.current[browser] = None

    @rule(browser=browsers, data=st.data())
    def replay_a_former_session(self, browser, data):
        if ended := [session for session in self.opened if not session.works]:
            session = data.draw(st.sampled_from(ended))
            self.browsers[browser].set_portal_cookie(session.token)
            self.current[browser] = session
            self.use(browser)

    @rule(browser=browsers)
    def end_one(self, browser):
        session = self.current[browser]
        if session is not None:
            with self.portal.app_context():
                try:
                    sessions.end_own_session(self.find_session_id(session), by=Actor(session.account))
                except Code:
                    assert not session.works
            session.works = False

    @rule(browser=browsers)
    def end_the_others(self, browser):
        session = self.current[browser]
        if session is not None and session.works:
            with self.portal.app_context():
                me = sessions.find_session(session.token)
                sessions.end_other_sessions(me, by=Actor(session.account))
            self.end(lambda other: other.account == session.account and other is not session)

    @rule()
    def end_all(self):
        assert self.attempt(sessions.end_all_sessions)
        self.end(lambda session: True)

    @rule(number=people)
    def end_a_persons(self, number):
        person = self.people[number]
        assert self.attempt(rules.end_identity_sessions, person.id)
        self.end(lambda session: session.person == person.id)

    @rule(number=account_numbers)
    def disable(self, number):
        account = self.accounts[number]
        assert self.attempt(accounts.disable_account, account)
        self.active[account] = False
        self.end(lambda session: session.account == account)

    @rule(number=account_numbers)
    def enable(self, number):
        assert self.attempt(accounts.enable_account, self.accounts[number])
        self.active[self.accounts[number]] = True

    @rule(number=people)
    def unbind(self, number):
        person = self.people[number]
        if person.account is not None:
            assert self.attempt(rules.unbind_identity, person.id, person.account)
            person.account = None
            self.end(lambda session: session.person == person.id)

    @rule(number=people, account_number=account_numbers)
    def bind(self, number, account_number):
        person, account = self.people[number], self.accounts[account_number]
        others = [other for other in self.people if other is not person and other.element == person.element]
        may = person.state == "active" and self.active[account]
        may = may and all(other.account != account for other in others)
        assert self.attempt(rules.bind_identity, person.id, account, person.account) == may
        if may and person.account != account:
            if person.account is not None:
                self.end(lambda session: session.person == person.id)
            person.account = account

    @rule(number=people, state=st.sampled_from(["active", "left", "frozen"]))
    def sync(self, number, state):
        """The platform says something new, and a sync finds it."""
        person = self.people[number]
        self.world.sandbox.person(PROVIDERS[person.element], person.key, **{LEAVING.get(state, "activate"): True})
        assert run_sync(self.portal, person.element).state == "done"
        before, former_state, person.state = person.account, person.state, state
        if state == "left":
            person.account = None
        if state not in ("active", former_state):
            self.end(lambda session: session.person == person.id)
            if before is not None and not self.can_open(before):
                self.end(lambda session: session.account == before)

    @rule(number=people, how=st.sampled_from(GIVEN_BACK))
    def take_and_give_back(self, number, how):
        """What was taken from a person comes back, but no session does."""
        person = self.people[number]
        if person.account is None:
            return self.bind(number, number)
        place = self.accounts.index(person.account)
        if how == "disable":
            self.disable(place), self.enable(place)
        elif how in ("freeze", "leave"):
            self.sync(number, "frozen" if how == "freeze" else "left"), self.sync(number, "active")
        elif how == "unbind":
            self.unbind(number)
        else:
            self.bind(number, (place + 1) % 3), self.bind(number, (place + 2) % 3)
        self.bind(number, place)

    def can_open(self, account):
        return any(person.account == account and person.state == "active" for person in self.people)

    @invariant()
    def only_open_sessions_work(self):
        for session in self.opened:
            with self.portal.app_context():
                assert (sessions.find_session(session.token) is not None) == session.works, session


@pytest.fixture
def machine(portal, sandbox):
    return type("Machine", (Sessions,), {"world": World(portal, sandbox)})


CHECKS = {"suppress_health_check": list(HealthCheck), "deadline": None, "database": None}


@both_databases
def test_no_ended_session_ever_works(machine):
    short = settings(max_examples=24, stateful_step_count=25, derandomize=True, phases=[Phase.generate], **CHECKS)
    run_state_machine_as_test(machine, settings=short)


@both_databases
@pytest.mark.soak
def test_no_ended_session_ever_works_for_long(machine):
    run_state_machine_as_test(machine, settings=settings(max_examples=500, stateful_step_count=50, **CHECKS))


@both_databases
@pytest.mark.parametrize("how", GIVEN_BACK)
def test_what_comes_back_brings_no_session_back(machine, how):
    """These orders are too rare to be left to chance."""
    state = machine()
    for number in range(3):
        state.sign_in(number, number)
        state.take_and_give_back(number, how)
        state.only_open_sessions_work()
        state.sign_in_by_link(number, number)
        state.take_and_give_back(number, how)
        state.only_open_sessions_work()
