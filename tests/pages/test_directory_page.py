"""The administrators' directory, with tree, search, runs and syncs."""

import re

import pytest
from sqlalchemy import event, func, select
from support.portal_app import both_databases

from portal import health
from portal.database import db
from portal.directory import jobs, runs, sync
from portal.models import Account, AuditEvent, Department, Identity, SyncRun
from portal.signin import administrator_links

PAGE = "/admin/directory"


@pytest.fixture
def admin(client, portal):
    """A browser in which the administrator wang.fang is signed in."""
    with portal.app_context():
        token = administrator_links.make_administrator("wang.fang", promote=True).token
    client.post_form(f"/login/once/{token}")
    return client


def run_syncs(portal, *elements):
    """Sync in this process, as `flask sync` does."""
    with portal.app_context():
        for name in elements or ("FSInnerExample", "QywxInnerExample"):
            sync.Sync(portal.getElement(f"auths.loginTypes.{name}"), runs.begin_from_command(name)).run()


def dept_id(portal, name, provider="feishu"):
    with portal.app_context():
        return db.session.scalar(select(Department.id).where(Department.name == name, Department.provider == provider))


def find_newest_run(portal):
    with portal.app_context():
        run = db.session.scalar(select(SyncRun).order_by(SyncRun.id.desc()).limit(1))
        db.session.expunge_all()
        return run


@both_databases
def test_a_department_leads_to_those_below_it(admin, portal):
    run_syncs(portal)
    inside = admin.get(f"{PAGE}?dept={dept_id(portal, '研发中心')}").text
    assert "平台组" in inside and "李四" in inside and "市场部" not in inside
    deeper = admin.get(f"{PAGE}?dept={dept_id(portal, '平台组')}").text
    way = re.search(r'<ol class="way">.*?</ol>', deeper, re.DOTALL)[0]
    assert re.sub(r"<[^>]*>|\s", "", way) == "All研发中心平台组"


@both_databases
def test_a_leader_is_marked_where_they_lead(admin, portal):
    run_syncs(portal)
    for provider in ("feishu", "wecom"):
        page = admin.get(f"{PAGE}?dept={dept_id(portal, '研发中心', provider)}").text
        assert re.search(r'李四</a>\s+<span class="tag">leader</span>', page)
        assert not re.search(r'张三</a>\s+<span class="tag">leader</span>', page)


@both_databases
@pytest.mark.parametrize("words", ["张", "zhangs", "ZHANGSAN"])
def test_search_finds_people_by_any_part(admin, portal, words):
    run_syncs(portal)
    page = admin.get(PAGE, query_string={"q": words}).text
    assert page.count(">张三</a>") == 2
    assert "李四" not in page


def test_search_finds_departments_and_takes_no_wildcards(admin, portal):
    run_syncs(portal)
    assert "平台组" in admin.get(PAGE, query_string={"q": "平台"}).text
    for words in ("%", "_", "\\"):
        assert "No person or department matches" in admin.get(PAGE, query_string={"q": words}).text


def test_many_people_are_shown_in_pages(admin, portal):
    with portal.app_context():
        names = [f"Person {number:03}" for number in range(120)]
        facts = {"provider": "wecom", "tenant": "wwsandbox00000001"}
        db.session.add_all(Identity(**facts, subject=name, user_id=name, name=name) for name in names)
        db.session.commit()
    pages = [admin.get(PAGE, query_string={"page": number, "q": "Person"}).text for number in (1, 2, 3)]
    shown = [re.findall(r">(Person \d+)</a>", page) for page in pages]
    assert sum(shown, []) == names
    assert [re.search(r"\d+–\d+ of \d+", page)[0] for page in pages] == [
        "1–50 of 120",
        "51–100 of 120",
        "101–120 of 120",
    ]
    assert [('rel="prev"' in page, 'rel="next"' in page) for page in pages] == [
        (False, True),
        (True, True),
        (True, False),
    ]


def test_names_are_shown_as_text(admin, portal):
    run_syncs(portal)
    page = admin.get(PAGE, query_string={"q": "<script>alert(1)"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@both_databases
def test_the_page_takes_fewer_than_ten_queries(admin, portal):
    run_syncs(portal)
    asked = []
    with portal.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *call: asked.extend(re.findall("^SELECT", call[2])))
    for query in ({}, {"q": "张"}, {"dept": dept_id(portal, "平台组")}):
        asked.clear()
        assert admin.get(PAGE, query_string=query).status_code == 200
        assert 2 < len(asked) < 10, asked


@both_databases
def test_sync_now_is_queued_in_the_administrators_name(admin, portal):
    answer = admin.post_form(f"{PAGE}/sync", element="FSInnerExample")
    assert (answer.status_code, answer.location) == (303, PAGE)
    run = find_newest_run(portal)
    assert (run.state, run.how, run.dry_run, run.answers_id) == ("queued", "page", False, None)
    with portal.app_context():
        me = db.session.scalar(select(Account.id).where(Account.username == "wang.fang"))
        assert run.actor_id == me
        asked = db.session.scalar(select(AuditEvent).where(AuditEvent.action == "sync.ask"))
        assert (asked.actor_id, asked.element) == (me, "FSInnerExample")
        jobs.run_queued_sync("FSInnerExample")
        assert db.session.scalar(select(func.count()).select_from(Identity)) > 5
    page = admin.get(PAGE).text
    assert "wang.fang" in page
    assert find_newest_run(portal).state == "done"


def test_a_login_has_one_open_sync_at_a_time(admin, portal):
    for _ in range(2):
        admin.post_form(f"{PAGE}/sync", element="auths.loginTypes.FSInnerExample")
    assert "already running" in admin.get(PAGE).text
    with portal.app_context():
        assert db.session.scalar(select(func.count()).select_from(SyncRun)) == 1


def test_a_dry_run_names_new_people_and_stores_none(admin, portal):
    admin.post_form(f"{PAGE}/sync", element="QywxInnerExample", dry_run="1")
    with portal.app_context():
        jobs.run_queued_sync("QywxInnerExample")
        assert db.session.scalar(select(func.count()).select_from(Identity)) == 0
    page = admin.get(PAGE).text
    assert "would change:" in page and "张三" in page


def test_without_a_worker_the_page_says_how_to_start_one(admin, portal):
    assert "flask worker" in admin.get(PAGE).text
    with portal.app_context():
        health.note_worker("here:1")
    assert "flask worker" not in admin.get(PAGE).text


def test_without_jobs_no_worker_is_missed(make_portal):
    portal = make_portal(PORTAL_SYNC_EVERY="0")
    admin = portal.test_client()
    with portal.app_context():
        token = administrator_links.make_administrator("wang.fang", promote=True).token
    admin.post_form(f"/login/once/{token}")
    assert "flask worker" not in admin.get(PAGE).text
    admin.post_form(f"{PAGE}/sync", element="QywxInnerExample")
    assert "flask worker" in admin.get(PAGE).text


class TestManyLeavers:
    @pytest.fixture
    def run_id(self, admin, portal, sandbox):
        """The id of a sync that stopped.

        15 of 30 additional people would lose their access.
        """
        for number in range(30):
            sandbox.person("wecom", f"extra{number}", add=True, name=f"走{number}", departments=["2"])
        run_syncs(portal, "QywxInnerExample")
        self.leave(sandbox, range(15))
        run_syncs(portal, "QywxInnerExample")
        return find_newest_run(portal).id

    def leave(self, sandbox, numbers):
        for number in numbers:
            sandbox.person("wecom", f"extra{number}", resign=True)

    def accept(self, admin, portal, **fields):
        """Accept the leavers and run the sync.

        Return its state and the page.
        """
        admin.post_form(f"{PAGE}/sync", element="QywxInnerExample", **{"accept_leavers": "1", **fields})
        page = admin.get(PAGE).text
        with portal.app_context():
            jobs.run_queued_sync("QywxInnerExample")
        return find_newest_run(portal).state, page

    def count_left(self, portal):
        with portal.app_context():
            left = (
                select(func.count()).select_from(Identity).where(Identity.status == 2, Identity.name.startswith("走"))
            )
            return db.session.scalar(left)

    def test_the_leavers_are_listed_and_accepted(self, admin, portal, run_id):
        page = admin.get(PAGE).text
        assert "Stopped: 15 people would lose their access." in page
        assert "走14" in page
        assert f'name="run" value="{run_id}"' in page
        state, page = self.accept(admin, portal, run=run_id)
        assert (state, self.count_left(portal)) == ("done", 15)
        assert "The sync is running" in page

    @pytest.mark.parametrize("yes", ["1", "yes", "on", "true"])
    def test_without_a_number_the_newest_list_is_accepted(self, admin, portal, run_id, yes):
        assert self.accept(admin, portal, accept_leavers=yes)[0] == "done"
        assert self.count_left(portal) == 15

    def test_many_more_leavers_need_a_new_decision(self, admin, portal, sandbox, run_id):
        self.leave(sandbox, range(15, 26))
        assert self.accept(admin, portal, run=run_id)[0] == "stopped"
        assert self.count_left(portal) == 0
        assert "Stopped: 26 people would lose their access." in admin.get(PAGE).text

    @pytest.mark.parametrize("other", ["999999", "0", "-1", "x", "9" * 30])
    def test_accepting_another_list_counts_as_none(self, admin, portal, run_id, other):
        state, page = self.accept(admin, portal, run=other)
        assert (state, self.count_left(portal)) == ("stopped", 0)
        assert "The list you confirmed is out of date." in page

    def test_a_list_is_accepted_once(self, admin, portal, sandbox, run_id):
        self.accept(admin, portal, run=run_id)
        self.leave(sandbox, range(15, 27))
        assert self.accept(admin, portal, run=run_id)[0] == "stopped"
        assert self.count_left(portal) == 15


def test_a_failed_sync_says_why_in_words(admin, portal, sandbox):
    run_syncs(portal, "FSInnerExample")

    sandbox.fail("/open-apis/contact/v3/departments/0/children", body={"code": 99991672, "msg": "no"}, count=9)
    run_syncs(portal, "FSInnerExample")
    page = admin.get(PAGE).text
    assert "The last sync failed. No people were removed." in page
    assert "The platform refuses this portal" in page
    assert "99991672" in page


@pytest.mark.parametrize("element", ["Nobody", "", "FSInnerType"])
def test_an_unknown_login_is_refused(admin, portal, element):
    assert admin.post_form(f"{PAGE}/sync", element=element).status_code == 404


def test_users_cannot_see_the_directory(client, portal):
    assert client.get(PAGE).status_code == 401
    client.sign_in()
    asked = client.post_form(f"{PAGE}/sync", element="FSInnerExample")
    for answer in (client.get(PAGE), client.get(f"{PAGE}/runs"), asked):
        assert answer.status_code == 403
    with portal.app_context():
        assert db.session.scalar(select(func.count()).select_from(SyncRun)) == 0
