"""An administrator unbinds one or many, and knows before what ends."""

from datetime import timedelta

import pytest
from support.admin_client import strip_markup
from support.portal_app import both_databases
from support.rows import (
    add_account,
    add_department,
    add_person,
    add_session,
    reload_row,
)

from portal.clocks import now
from portal.database import db
from portal.models import LoginSession

pytestmark = pytest.mark.usefixtures("alice", "context")


@both_databases
class TestUnbinding:
    def test_the_question_says_what_happens(self, alice):
        east = add_department("2", "华东")
        who = add_person("zw", account=add_account("zhang.wei"), name="张伟", departments=[east])
        add_session(who)
        page = strip_markup(alice.get(f"/admin/bindings/{who.id}/unbind").text)
        for text in (
            "Unbind 张伟 from zhang.wei?",
            "WeCom · 华东",
            "1 session ends now.",
            "They have no other sign-in method.",
        ):
            assert text in page
        add_person("ou", account=who.account, provider="feishu")
        assert "They have no other sign-in method." not in alice.get(f"/admin/bindings/{who.id}/unbind").text

    def test_an_idle_session_is_not_announced_and_ends_all_the_same(self, alice):
        own = add_account("own")
        who = add_person("zw", account=own)
        session = add_session(who, last_seen_at=now() - timedelta(seconds=7201))
        page = strip_markup(alice.get(f"/admin/bindings/{who.id}/unbind").text)
        assert "There are no active sessions." in page
        alice.post_form(f"/admin/bindings/{who.id}/unbind", seen=own.id)
        assert reload_row(session).ended_why == "unbound"

    def test_it_is_done(self, alice):
        own = add_account("own")
        who = add_person("zw", account=own)
        open_ = add_session(who)
        assert alice.post_form(f"/admin/bindings/{who.id}/unbind", seen=own.id).status_code == 303
        assert (reload_row(who).account_id, reload_row(who).last_account_id, reload_row(open_).ended_why) == (
            None,
            own.id,
            "unbound",
        )

    def test_not_from_another_account_than_was_seen(self, alice):
        own, other = add_account("own"), add_account("other")
        who = add_person("zw", account=own)
        assert alice.post_form(f"/admin/bindings/{who.id}/unbind", seen=other.id).status_code == 409
        assert reload_row(who).account_id == own.id
        assert alice.post_form(f"/admin/bindings/{who.id}/unbind").status_code == 303
        assert alice.post_form(f"/admin/bindings/{who.id}/unbind").status_code == 409


@both_databases
class TestMany:
    def tick(self, *people):
        return [f"{who.id}-{who.account_id or ''}" for who in people]

    def test_what_happens_is_said_first_and_then_done(self, alice):
        one, two = add_person("one", account=add_account("one")), add_person("two", account=add_account("two"))
        free = add_person("free")
        open_ = add_session(one)
        ticks = self.tick(one, two, free)
        page = alice.post_form("/admin/bindings/many", person=ticks, do="unbind")
        words = strip_markup(page.text)
        for text in (
            "Unbind 3 people?",
            "1 session ends now.",
            "2 accounts have no other sign-in method.",
            "1 of them is not bound",
        ):
            assert text in words
        assert reload_row(one).account_id is not None
        alice.post_form("/admin/bindings/many", person=ticks, do="unbind", sure="1")
        assert [reload_row(who).account_id for who in (one, two, free)] == [None, None, None]
        assert reload_row(open_).ended_at is not None

    def test_who_has_changed_meanwhile_stays(self, alice):
        one, other = add_person("one", account=add_account("one")), add_account("other")
        ticks = self.tick(one)
        one.account_id = other.id
        db.session.commit()
        answer = alice.post_form("/admin/bindings/many", person=ticks, do="unbind", sure="1")
        assert reload_row(one).account_id == other.id
        assert "1 person was changed in the meantime" in alice.get(answer.location).text

    def test_over_twenty_the_number_is_typed(self, alice):
        crowd = [add_person(f"p{number}", account=add_account(f"a{number}")) for number in range(21)]
        sessions = [add_session(who) for who in crowd]
        ticks = self.tick(*crowd)
        for count in ("", "20", "x"):
            answer = alice.post_form("/admin/bindings/many", person=ticks, do="end-sessions", sure="1", count=count)
            assert answer.status_code == 422
            assert "The number does not match." in answer.text
        assert db.session.query(LoginSession).filter(LoginSession.ended_at.is_(None)).count() == 22
        db.session.rollback()
        alice.post_form("/admin/bindings/many", person=ticks, do="end-sessions", sure="1", count="21")
        assert all(reload_row(session).ended_at for session in sessions)
        assert alice.session().status_code == 200

    @pytest.mark.parametrize("ticks", [[], ["x"], ["-"], ["999999-1"], ["99999999999999-1"]])
    def test_nonsense_changes_nothing(self, alice, ticks):
        assert alice.post_form("/admin/bindings/many", person=ticks, do="unbind", sure="1").status_code in (303, 404)


def test_ending_sessions_of_one_person_leaves_the_accounts_others(alice):
    own = add_account("own")
    mine, theirs = add_person("wecom", account=own), add_person("feishu", account=own, provider="feishu")
    sessions = add_session(mine), add_session(theirs)
    alice.post_form(f"/admin/people/{mine.id}/end-sessions")
    assert [reload_row(session).ended_at is None for session in sessions] == [False, True]
