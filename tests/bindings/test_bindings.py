"""Binding people and accounts: nothing is replaced silently, and every decision and refusal is on record."""

import pytest
from support.portal_app import both_databases
from support.rows import add_account, add_person, add_request, add_session

from portal.audit import Actor, Client
from portal.bindings import binding_requests, rules
from portal.database import db
from portal.errors import Code
from portal.models import Account, AuditEvent, Identity

pytestmark = both_databases

HERE = Client("192.0.2.1", "test", "ABCD-23")


pytestmark = pytest.mark.usefixtures("context")


def from_here(account_id):
    return Actor(account_id, HERE)


def trail():
    rows = db.session.query(AuditEvent).order_by(AuditEvent.id)
    return [(row.action, row.result, row.actor_id, row.identity_id, row.account_id) for row in rows]


class TestReplacing:
    def test_the_account_changes_hands_and_the_old_sessions_end(self):
        root, shared = add_account("root"), add_account("shared")
        old, new = add_person("old", account=shared), add_person("new")
        held = add_session(old)
        rules.replace_holder(new.id, shared.id, old.id, by=from_here(root.id))
        db.session.expire_all()
        assert (old.account_id, old.last_account_id, new.account_id) == (None, shared.id, shared.id)
        assert held.ended_why == "unbound"
        assert trail() == [
            ("binding.end", 0, root.id, old.id, shared.id),
            ("binding.make", 0, root.id, new.id, shared.id),
        ]

    def test_of_a_holder_who_has_it_no_more_nothing_changes(self):
        root, shared, other = add_account("root"), add_account("shared"), add_account("other")
        old, new = add_person("old", account=other), add_person("new")
        with pytest.raises(rules.BindingChanged):
            rules.replace_holder(new.id, shared.id, old.id, by=from_here(root.id))
        db.session.expire_all()
        assert (old.account_id, new.account_id) == (other.id, None)
        assert trail() == [("binding.make", 40900, root.id, new.id, shared.id)]

    def test_a_disabled_account_changes_no_hands(self):
        root, shared = add_account("root"), add_account("shared", active=False)
        old, new = add_person("old", account=shared), add_person("new")
        with pytest.raises(Code, match="40304"):
            rules.replace_holder(new.id, shared.id, old.id, by=from_here(root.id))
        db.session.expire_all()
        assert (old.account_id, new.account_id) == (shared.id, None)


class TestRefusals:
    def test_a_taken_account_is_not_taken_away_and_the_try_is_noted(self):
        root, shared = add_account("root"), add_account("shared")
        add_person("old", account=shared)
        new = add_person("new")
        with pytest.raises(rules.AccountTaken):
            rules.bind_identity(new.id, shared.id, by=from_here(root.id))
        assert trail() == [("binding.make", 40900, root.id, new.id, shared.id)]

    def test_who_has_decided_meanwhile_is_named(self):
        root, other = add_account("root"), add_account("wang.fang", name="王芳")
        one, two = add_account("one"), add_account("two")
        who = add_person("zhangsan")
        rules.bind_identity(who.id, one.id, by=from_here(other.id))
        with pytest.raises(rules.BindingChanged) as refusal:
            rules.bind_identity(who.id, two.id, by=from_here(root.id))
        assert refusal.value.by == "王芳"
        assert "王芳" in str(refusal.value.meaning.title)
        assert db.session.get(Identity, who.id).account_id == one.id


class TestQueue:
    def test_binding_settles_the_request_and_a_later_one_begins_anew(self):
        root, own = add_account("root"), add_account("own")
        who = add_person("zhangsan")
        request = add_request(who)
        binding_requests.bind_request(request.id, own.id, by=from_here(root.id))
        db.session.expire_all()
        assert (who.account_id, who.bound_how, request.state) == (own.id, "queue", "done")

    def test_a_decided_request_is_not_decided_again(self):
        root, own = add_account("root"), add_account("own")
        request = add_request(add_person("zhangsan"))
        binding_requests.bind_request(request.id, own.id, by=from_here(root.id))
        for again in (
            lambda: binding_requests.bind_request(request.id, root.id, by=from_here(root.id)),
            lambda: binding_requests.create_account_for_request(request.id, by=from_here(root.id)),
            lambda: binding_requests.refuse_request(request.id, "no", by=from_here(root.id)),
            lambda: binding_requests.reopen_request(request.id, by=from_here(root.id)),
        ):
            with pytest.raises(rules.BindingChanged):
                again()
        assert db.session.query(Account).count() == 2

    def test_an_account_is_made_with_the_binding_or_not_at_all(self):
        root = add_account("root")
        add_account("zhangsan")
        request = add_request(add_person("zhangsan", name="张三"))
        made = binding_requests.create_account_for_request(request.id, by=from_here(root.id))
        assert (made.username, made.name, made.role) == ("zhangsan-2", "张三", "user")
        left = add_request(add_person("gone", status=2))
        with pytest.raises(Code, match="40302"):
            binding_requests.create_account_for_request(left.id, by=from_here(root.id))
        assert db.session.query(Account).filter_by(username="gone").count() == 0

    def test_refusing_and_taking_it_back(self):
        root = add_account("root")
        who = add_person("zhangsan")
        request = add_request(who)
        binding_requests.refuse_request(request.id, "Use your team's\naccount.", by=from_here(root.id))
        db.session.expire_all()
        assert (request.state, request.reason) == ("refused", "Use your team's account.")
        with pytest.raises(rules.BindingChanged):
            binding_requests.bind_request(request.id, root.id, by=from_here(root.id))
        binding_requests.reopen_request(request.id, by=from_here(root.id))
        db.session.expire_all()
        assert (request.state, request.reason) == ("waiting", "")
        assert [line[:2] for line in trail()] == [("queue.refuse", 0), ("binding.make", 40900), ("queue.reopen", 0)]

    def test_a_request_that_never_was(self):
        root = add_account("root")
        with pytest.raises(Code, match="40400"):
            binding_requests.bind_request(77, root.id, by=from_here(root.id))
