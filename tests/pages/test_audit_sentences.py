"""Every entry of the audit log is a sentence."""

import re

import pytest
from support.admin_client import store_account, strip_markup
from support.audit_entries import add_entry, store_person
from support.portal_app import ROOT

from portal import errors
from portal.pages.admin import audit_causes, audit_sentences
from portal.pages.login_flow import REFUSED_ACTIONS

# Recorded by other calls than the one that `list_actions()` looks for.
OTHERS = {"audit.export", "bindings.export", "application.enter", "application.preview", "application.refuse"}
OTHERS |= {"door.refuse"}
PARTS = {"actor", "account", "person", "element", "application", "group", "department"}
RECORDED_NUMBERS = set(errors.MEANINGS) - {errors.NO_SUCH_PAGE, errors.WRONG_METHOD, errors.TOO_LARGE}  # of no act


def list_actions():
    """Return the actions that the source code records."""
    actions = set()
    for path in (ROOT / "portal").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        actions |= set(re.findall(r'(?:record|recorded)\(\s*"([a-z_.]+)"', source))
    return actions | set(REFUSED_ACTIONS.values()) | OTHERS


def test_every_action_has_a_sentence_and_a_name_in_the_filter():
    actions = list_actions()
    assert {"login", "session.end", "binding.make", "binding.end", "account.disable", "link.make"} <= actions
    assert actions == {key[0] for key in audit_sentences.SENTENCES} == set(audit_sentences.GROUPS)


def test_sentences_use_known_parts_only():
    for key, sentence in audit_sentences.SENTENCES.items():
        assert set(re.findall(r"%\((\w+)\)s", str(sentence))) <= PARTS, key


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"action": "login", "actor_id": 2, "account_id": 2, "identity_id": 1}, "张伟 signed in as bob"),
        ({"action": "login", "actor_id": 2, "account_id": 2, "details": {"how": "link"}}, "bob signed in with"),
        (
            {"action": "login", "result": 40303, "identity_id": 1},
            "张伟 could not sign in Not bound to an account Bind the person",
        ),
        ({"action": "login", "result": 40029}, "An unknown person could not sign in Sign-in code used or expired"),
        ({"action": "binding.make", "actor_id": 1, "account_id": 2, "identity_id": 1}, "alice bound 张伟 to bob"),
        ({"action": "binding.make", "actor_id": 2, "account_id": 2, "identity_id": 1}, "bob bound 张伟 to their own"),
        ({"action": "binding.end", "account_id": 2, "identity_id": 1}, "张伟 left and was unbound from bob"),
        (
            {"action": "account.role", "actor_id": 1, "account_id": 2, "details": {"role": "user"}},
            "alice removed the administrator role from",
        ),
        ({"action": "account.disable", "actor_id": 1, "account_id": 2, "details": {"sessions": 2}}, "2 sessions ended"),
        ({"action": "account.edit", "actor_id": 1, "account_id": 2, "details": {"fields": ["mobile"]}}, "Changed: mob"),
        ({"action": "account.enable", "actor_id": 77, "account_id": 2}, "account no. 77 enabled bob"),
        ({"action": "binding.end", "actor_id": 1, "account_id": 2, "identity_id": 99}, "alice unbound person no. 99"),
        (
            {"action": "application.edit", "actor_id": 1, "details": {"application": "wiki", "fields": ["hosts"]}},
            "alice changed the application wiki Changed: hosts",
        ),
        (
            {"action": "application.switch", "actor_id": 1, "details": {"application": "wiki", "state": "off"}},
            "alice switched the application wiki off",
        ),
        (
            {"action": "application.enter", "account_id": 2, "actor_id": 2, "details": {"application": "wiki"}},
            "bob entered the application wiki",
        ),
        (
            {"action": "application.refuse", "result": 40306, "account_id": 2, "details": {"application": "wiki"}},
            "bob could not enter the application wiki In no group that may enter Add the account to a group",
        ),
        (
            {"action": "door.refuse", "result": 40300, "details": {"application": "wiki"}},
            "An unknown person could not enter the application wiki Link too old, used already",
        ),
        ({"action": "application.create", "details": {"application": "wiki"}}, "The server created the application"),
        (
            {"action": "application.apply", "details": {"groups": ["dev", "ops"], "applications": []}},
            "A file of applications and groups was applied on the server Groups: dev, ops",
        ),
        (
            {"action": "secret.make", "actor_id": 1, "details": {"application": "wiki", "hint": "x9_Z"}},
            "alice made a secret of the application wiki It ends in x9_Z",
        ),
        (
            {"action": "group.edit", "result": 40900, "actor_id": 1, "details": {"group": "dev"}},
            "alice could not change the group dev Changed in the meantime, or the name is taken",
        ),
        (
            {"action": "group.delete", "result": 40900, "actor_id": 1, "details": {"group": "dev"}},
            "alice could not delete the group dev because applications use it",
        ),
        ({"action": "their.own", "actor_id": 1}, "alice: their.own"),
    ],
)
def test_an_audit_row_is_a_sentence(alice, portal, facts, sentence):
    store_account(portal, "bob"), store_person(portal)
    add_entry(portal, **facts)
    words = strip_markup(alice.get("/admin/audit").text).replace("&#39;", "'")
    assert sentence in words


def test_every_error_number_has_a_cause_that_speaks_of_the_person():
    assert set(audit_causes.CAUSES) >= RECORDED_NUMBERS
    for cause in [*audit_causes.CAUSES.values(), *audit_causes.CAUSES_OF_ACTS.values()]:
        assert not re.search(r"\byour?\b", f"{cause.text} {cause.remedy}", re.I), cause


@pytest.mark.parametrize(
    ("number", "word", "kind"),
    [
        (0, "done", "good"),
        (errors.NOT_ALLOWED, "refused", "bad"),
        (errors.CONFLICT, "refused", "bad"),
        (errors.UNAVAILABLE, "failed", "failed"),
        (errors.CANCELLED, "not finished", "off"),
        (errors.NOT_BOUND, "not finished", "off"),
    ],
)
def test_only_refusals_are_red(alice, portal, number, word, kind):
    store_person(portal)
    add_entry(portal, "login", result=number, identity_id=1)
    states = re.findall(r'<span class="state state-([a-z]+)">\s*([a-z ]+)', alice.get("/admin/audit").text)
    assert (kind, word) == tuple(part.strip() for part in states[0])
