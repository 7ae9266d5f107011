"""Changes of access need a recent sign-in.

This holds for every administrators' route that makes such a change.
"""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.admin_client import open_database, read_form, strip_markup
from support.application_rows import add_application, add_group
from support.portal_app import answer_platform, both_databases
from support.rows import add_account, add_person, add_request, open_admin_browser, reload_row, store_row

from portal.clocks import now
from portal.database import db
from portal.models import Account, Application, ApplicationSecret, Group, Identity, LoginSession, OneTimeLink

NO, YES = False, True
ROUTES = {  # an administrators' POST route -> whether it needs a fresh sign-in; with fields where these decide it
    "accounts/<id>/disable": NO,
    "accounts/<id>/edit": NO,
    "accounts/<id>/enable": YES,
    "accounts/<id>/end-sessions": NO,
    "accounts/<id>/link": YES,
    "accounts/<id>/link/revoke": NO,
    "accounts/<id>/offboard": NO,
    "accounts/<id>/offboard confirm=yes": NO,
    "accounts/<id>/role": YES,
    "accounts/create": NO,
    "accounts/create role=user": NO,
    "accounts/create role=admin": YES,
    "applications/<name>/edit": YES,
    "applications/<name>/secret": YES,
    "applications/<name>/secret/<id>/expire": YES,
    "applications/<name>/switch": YES,
    "applications/<name>/check": NO,
    "applications/create": YES,
    "bindings/<id>/decline": NO,
    "bindings/<id>/replace": YES,
    "bindings/<id>/unbind": YES,
    "bindings/accept": NO,
    "bindings/accept pair=1:1": NO,
    "bindings/accept pair=1:1 confirm=yes": YES,
    "bindings/bind": YES,
    "bindings/first-steps": NO,
    "bindings/import": NO,
    "bindings/import/<id>/apply": YES,
    "bindings/import/<id>/discard": NO,
    "bindings/import/<id>/step": NO,  # it goes on with what a fresh sign-in has applied
    "bindings/look-up": NO,
    "bindings/many": NO,
    "bindings/many person=1-1 do=end-sessions sure=1": NO,
    "bindings/many person=1-1 do=unbind": NO,
    "bindings/many person=1-1 do=unbind sure=1": YES,
    "bindings/store": NO,
    "directory/sync element=FSInnerExample": NO,
    "directory/sync element=FSInnerExample dry_run=1": NO,
    "directory/sync element=FSInnerExample accept_leavers=1": YES,
    "elements/<name>/check": NO,
    "groups/<name>/delete": YES,
    "groups/<name>/edit": YES,
    "groups/<name>/edit add=everybody": NO,
    "groups/<name>/edit add=everybody save=1": YES,
    "groups/create": YES,
    "groups/create q=sales": NO,
    "groups/create q=sales save=1": YES,
    "people/<id>/end-sessions": NO,
    "queue/<id>/bind": YES,
    "queue/<id>/create": YES,
    "queue/<id>/refuse": NO,
    "queue/<id>/reopen": NO,
    "queue/many": NO,
    "queue/many request=1 do=refuse reason=x sure=1": NO,
    "queue/many request=1 do=bind account-1=1": NO,
    "queue/many request=1 do=create": NO,
    "queue/many request=1 do=create sure=1": YES,
    "reveal": NO,
}
AGED = timedelta(minutes=11)


pytestmark = pytest.mark.usefixtures("alice", "context")


def grow_old(age=AGED):
    """Make every open session this old."""
    db.session.rollback()
    db.session.execute(update(LoginSession).values(signed_in_at=now() - age))
    db.session.commit()


def is_refused(answer):
    return answer.status_code == 403 and "Confirm that it is you" in answer.text


def way_back(answer):
    """Return where the page leads once it is confirmed."""
    [back] = set(re.findall(r'name="next" value="(/admin[^"]*)"', answer.text))
    return back.replace("&amp;", "&")


def test_the_table_names_every_changing_route_of_administrators(portal):
    posts = [rule.rule for rule in portal.url_map.iter_rules() if "POST" in rule.methods]
    there = {re.sub(r"<[^<>]*:(\w+)>", r"<\1>", rule) for rule in posts if rule.startswith("/admin/")}
    assert {f"/admin/{route.partition(' ')[0]}" for route in ROUTES} == there


@pytest.mark.parametrize("route", ROUTES)
def test_an_old_sign_in_does_only_what_the_table_allows(alice, route):
    name = "wiki" if route.startswith(("applications/", "groups/")) else "FSInnerExample"
    path, *fields = route.replace("<id>", "1").replace("<name>", name).split()
    add_person("zw", account=add_account("zhang.wei"))
    store_row(Group(name="wiki", title="Wiki"))
    add_application("wiki")
    grow_old()
    answer = alice.post_form(f"/admin/{path}", **dict(field.split("=") for field in fields))
    assert is_refused(answer) == ROUTES[route]
    grow_old(timedelta(minutes=9))
    assert not is_refused(alice.post_form(f"/admin/{path}", **dict(field.split("=") for field in fields)))


@both_databases
class TestStories:
    @pytest.fixture
    def boss(self, portal, alice):
        """Alice, eleven minutes after her sign-in.

        A scan of Zhang San may confirm her.
        """
        alice.sign_in()
        db.session.rollback()
        own = db.session.scalars(select(Account).where(Account.username == "zhangsan")).one()
        own.role = "admin"
        db.session.commit()
        grow_old()
        return alice

    def confirm(self, browser, answer):
        """Scan again as the page offers and return the target."""
        address = browser.post_form("/account/confirm/FSInnerExample", next=way_back(answer)).location
        return browser.get(answer_platform(address)).location

    def test_nobody_is_bound_until_the_scan_and_then_the_form_is_there_again(self, boss):
        who, own = add_person("stranger"), add_account("own")
        fields = {"identity": who.id, "account": own.id}
        answer = boss.post_form("/admin/bindings/bind", **fields)
        assert is_refused(answer) and reload_row(who).account_id is None
        back = self.confirm(boss, answer)
        assert back == f"/admin/bindings/bind?identity={who.id}&account={own.id}"
        assert "Bind to own" in boss.get(back).text
        assert boss.post_form("/admin/bindings/bind", **fields).status_code == 303
        assert reload_row(who).account_id == own.id

    def test_no_link_for_another_administrator(self, boss):
        other = add_account("other", role="admin")
        answer = boss.post_form(f"/admin/accounts/{other.id}/link")
        assert is_refused(answer) and "/login/once/" not in answer.text
        assert db.session.query(OneTimeLink).count() == 0
        assert self.confirm(boss, answer) == f"/admin/accounts/{other.id}"

    def test_nobody_is_promoted(self, boss):
        friend = add_account("friend")
        answer = boss.post_form(f"/admin/accounts/{friend.id}/role", role="admin")
        assert is_refused(answer) and reload_row(friend).role == "user"
        assert self.confirm(boss, answer) == f"/admin/accounts/{friend.id}/role"

    def test_nobody_is_unbound_or_moved(self, boss):
        who, other = add_person("zw", account=add_account("own")), add_account("other")
        claims = add_person("claims", employee_number="E1")
        answers = [
            boss.post_form(f"/admin/bindings/{who.id}/unbind", seen=who.account_id),
            boss.post_form("/admin/bindings/bind", identity=who.id, account=other.id, seen=who.account_id),
            boss.post_form(f"/admin/bindings/{claims.id}/replace", account=who.account_id, holder=who.id),
        ]
        assert all(is_refused(answer) for answer in answers)
        assert reload_row(who).account.username == "own" and reload_row(claims).account_id is None

    def test_the_queue_and_a_new_administrator_wait(self, boss):
        own, request = add_account("own"), add_request(add_person("zw"))
        assert is_refused(boss.post_form(f"/admin/queue/{request.id}/bind", account=own.id))
        assert is_refused(boss.post_form(f"/admin/queue/{request.id}/create"))
        answer = boss.post_form("/admin/accounts/create", username="eve", name="Eve & Co", role="admin", email="e@x.y")
        assert reload_row(request).state == "waiting"
        assert db.session.query(Account).filter_by(username="eve").count() == 0
        page = boss.get(self.confirm(boss, answer)).text
        assert 'value="eve"' in page and 'value="Eve &amp; Co"' in page and '<option value="admin" selected>' in page

    def test_an_application_waits_and_its_form_keeps_what_was_typed(self, boss):
        add_group("dev"), add_group("ops")
        fields = {"title": "Wiki & Co", "name": "wiki", "hosts": "https://a.example.com\nhttps://b.example.com"}
        fields |= {"groups": ["", "dev"], "headers": ["", "user"], "open_to_all": ["0", "1"], "username_from": "email"}
        answer = boss.post_form("/admin/applications/create", **fields)
        assert is_refused(answer) and db.session.query(Application).count() == 0
        page = boss.get(self.confirm(boss, answer)).text
        assert 'value="Wiki &amp; Co"' in page and "https://a.example.com\nhttps://b.example.com</textarea>" in page
        assert 'value="wiki"' in page and '<option value="email" selected>' in page
        sent = read_form(page, 'action="/admin/applications/create"')
        assert {name: sent[name] for name in ("groups", "headers", "open_to_all")} == {
            name: fields[name] for name in ("groups", "headers", "open_to_all")
        }

    def test_an_edited_application_keeps_what_was_typed_and_the_version_seen(self, boss):
        add_application("wiki", [add_group("dev")], open_to_all=True, contact="it@example.com")
        fields = {"version": 1, "title": "Knowledge", "groups": "", "open_to_all": "0", "contact": ""}
        answer = boss.post_form("/admin/applications/wiki/edit", **fields)
        assert is_refused(answer)
        page = boss.get(self.confirm(boss, answer)).text
        sent = read_form(page, 'action="/admin/applications/wiki/edit"')
        assert (sent["version"], sent["groups"], sent["open_to_all"]) == (["1"], [""], ["0"])
        assert 'value="Knowledge"' in page and "it@example.com" not in page

    def test_no_secret_is_made_and_no_application_switched(self, boss):
        wiki = add_application("wiki", active=False)
        for path, fields in (("secret", {}), ("switch", {"active": "1"})):
            answer = boss.post_form(f"/admin/applications/wiki/{path}", **fields)
            assert is_refused(answer) and way_back(answer).partition("#")[0] == "/admin/applications/wiki"
        assert not reload_row(wiki).active and db.session.query(ApplicationSecret).count() == 0

    def test_somebody_else_confirms_nothing(self, boss):
        other = add_account("other")
        address = boss.post_form("/account/confirm/FSInnerExample", next=f"/admin/accounts/{other.id}").location
        assert boss.get(answer_platform(address, "bob")).status_code == 403
        assert is_refused(boss.post_form(f"/admin/accounts/{other.id}/link"))


def test_whoever_came_by_a_link_and_can_not_confirm_reads_how_to_get_another(alice, portal):
    grow_old()
    own = add_account("own")
    page = strip_markup(alice.post_form(f"/admin/accounts/{own.id}/link").text)
    assert "no person is bound to your account to confirm with" in page
    assert "flask create-admin NAME" in page
    again = open_admin_browser(portal)
    assert again.post_form(f"/admin/accounts/{own.id}/link").status_code == 200


def test_an_import_is_applied_by_a_fresh_sign_in_alone(alice, portal):
    import io

    add_account("own")
    add_person("zw")
    file = (io.BytesIO(b"username,platform id\nown,zw\n"), "staff.csv")
    grow_old()
    address = alice.post_form("/admin/bindings/import", file=file).location
    answer = alice.post_form(f"{address}/apply")
    assert is_refused(answer)
    with open_database(portal) as session:
        assert session.scalar(select(Identity.account_id)) is None
    grow_old(timedelta(minutes=9))
    alice.post_form(f"{address}/apply")
    with open_database(portal) as session:
        assert session.scalar(select(Identity.account_id)) is not None
