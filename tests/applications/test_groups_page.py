"""Administrators list, create, change and delete groups."""

import random
import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select, update
from support.admin_client import strip_markup
from support.portal_app import answer_platform
from support.rows import HOSTILE, add_account, add_department, add_person, store_row

from portal.clocks import now
from portal.database import db
from portal.models import Account, Application, AuditEvent, Group, GroupMember, LoginSession

pytestmark = pytest.mark.usefixtures("alice", "context")

EDIT, CREATE = "/admin/groups/dev/edit", "/admin/groups/create"


@pytest.fixture
def sales():
    """A department with one below it, and a person in that one."""
    sales = add_department("d1", "Sales")
    east = add_department("d2", "East", parent="d1")
    add_person("zw", account=add_account("zhangwei", name="张伟"), departments=[east])
    return sales


@pytest.fixture
def line(sales):
    return f"department wecom/{sales.tenant}/d1"


@pytest.fixture
def dev(sales):
    members = [GroupMember(kind="department", value=str(sales.id), below=True)]
    return store_row(Group(name="dev", title="Developers", members=members))


def read_lines(answer):
    """Return the lines of members that a form shows."""
    return unescape(re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", answer.text, re.DOTALL)[1]).split("\n")


def read_members(name="dev"):
    db.session.rollback()
    group = db.session.scalar(select(Group).where(Group.name == name).execution_options(populate_existing=True))
    return group and [(member.kind, member.value, member.below) for member in group.members]


def read_seen(answer):
    return re.search(r'name="seen" value="(\d+)"', answer.text)[1]


def test_the_list_says_how_many_are_in_it_and_which_applications_use_it(alice, dev):
    store_row(Application(name="wiki", title="Wiki & Co", groups=[dev]))
    store_row(Group(name="all", title=HOSTILE, members=[GroupMember(kind="everybody")]))
    page = alice.get("/admin/groups").text
    text = strip_markup(page)
    assert "Developers dev 1 Wiki &amp; Co" in text
    assert " all 2 —" in text and "<script>alert" not in page


def test_an_empty_list_leads_to_the_first_group(alice):
    assert f'href="{CREATE}"' in alice.get("/admin/groups").text


def test_a_group_is_created_from_lines(alice, sales, line):
    lines = f"{line} below\r\nrole admin\r\naccount zhangwei\r\neverybody\r\n"
    answer = alice.post_form(CREATE, title="Developers", name="dev", members=lines)
    assert (answer.status_code, answer.location) == (303, EDIT)
    own = db.session.scalar(select(Account.id).where(Account.username == "zhangwei"))
    expected = [("department", str(sales.id), True), ("role", "admin", False)]
    assert read_members() == [*expected, ("account", str(own), False), ("everybody", "", False)]
    assert read_lines(alice.get(EDIT)) == [f"{line} below", "role admin", "account zhangwei", "everybody"]


@pytest.mark.parametrize(("title", "name"), [("Data Team (East)", "data-team-east"), ("3D Print", "d-print")])
def test_a_name_is_made_of_the_title(alice, title, name):
    assert alice.post_form(CREATE, title=title).location == f"/admin/groups/{name}/edit"


def test_a_title_that_makes_no_name_asks_for_one(alice):
    answer = alice.post_form(CREATE, title="研发中心")
    assert answer.status_code == 422 and 'value="研发中心"' in answer.text
    assert "Use 2 to 40 letters a-z, digits and hyphens, a letter first." in answer.text


def test_each_line_that_can_not_be_used_is_named_and_nothing_is_lost(alice, line):
    lines = [f"{line} below", "department wecom/x/y", "role boss", "account nobody", "people all"]
    answer = alice.post_form(CREATE, title="T", name="X", members="\n".join(lines), q="")
    assert answer.status_code == 422 and read_lines(answer) == lines
    text = unescape(strip_markup(answer.text))
    for fault in (
        "department wecom/x/y: There is no department wecom/x/y.",
        "role boss: Please choose a role.",
        "account nobody: There is no account nobody.",
        "people all: A line begins with department, role, account or everybody.",
        "Use 2 to 40 letters a-z, digits and hyphens, a letter first.",
    ):
        assert fault in text
    assert 'value="T"' in answer.text and 'value="X"' in answer.text and read_members("x") is None


def test_a_taken_name_is_refused_with_everything_typed(alice, dev):
    answer = alice.post_form(CREATE, title="Other", name="dev", members="everybody")
    assert answer.status_code == 422 and "This name is taken." in answer.text
    assert read_lines(answer) == ["everybody"]


def test_adding_and_removing_shows_the_form_again_and_stores_nothing(alice, dev, line):
    typed = {"title": "New title", "name": "dev", "members": f"{line} below\nrole admin", "q": "Ea", "seen": "1"}
    added = alice.post_form(EDIT, **typed, add=line)
    assert added.status_code == 200 and read_lines(added) == ["role admin", line]
    assert 'value="New title"' in added.text and 'value="Ea"' in added.text
    removed = alice.post_form(EDIT, **typed, remove="role admin")
    assert read_lines(removed) == [f"{line} below"]
    assert [kind for kind, *_ in read_members()] == ["department"]


def test_what_saving_would_change_is_counted(alice, dev, line):
    answer = alice.post_form(EDIT, title="Developers", name="dev", members=f"{line} below", add="everybody")
    assert "Members: 1 now, 2 after saving" in strip_markup(answer.text)


def test_a_search_offers_departments_and_accounts(alice, line):
    page = alice.post_form(CREATE, title="T", members="everybody", q="zhang", find="1")
    assert 'value="account zhangwei"' in page.text and read_lines(page) == ["everybody"]
    add_department("d3", "Shanghai", parent="d2")
    page = alice.post_form(CREATE, q="hangh")
    assert f'value="{line.removesuffix("d1")}d3"' in page.text and "Shanghai WeCom · East" in strip_markup(page.text)
    assert "No results" in alice.post_form(CREATE, q="nothing like it").text


def test_the_tree_opens_level_by_level(alice, sales, line):
    page = alice.get(CREATE).text
    assert f'value="{line} below"' in page and f'value="{line}"' in page  # the only one at the top is open
    east = re.search(r'value="(department [^"]*/d2)"', page)[1]
    add_department("d3", "Shanghai", parent="d2")
    opened = alice.post_form(CREATE, members="everybody", q="left over", open=str(sales.id + 1))
    assert f'value="{east} below"' in opened.text and "Shanghai" in opened.text
    assert read_lines(opened) == ["everybody"]


def test_an_edit_changes_title_name_and_members(alice, dev):
    answer = alice.post_form(EDIT, title="Makers", name="makers", members="role admin", seen="1", save="1")
    assert answer.location == "/admin/groups/makers/edit"
    assert read_members("makers") == [("role", "admin", False)]
    assert read_members("dev") is None
    assert "Saved." in alice.get(answer.location).text


def test_a_field_that_is_not_sent_stays(alice, dev):
    assert alice.post_form(EDIT, title="Makers", seen="1").status_code == 303
    assert [kind for kind, *_ in read_members()] == ["department"]


def test_a_group_that_has_changed_meanwhile_is_not_overwritten(alice, dev):
    seen = read_seen(alice.get(EDIT))
    alice.post_form(EDIT, title="First", seen=seen)
    answer = alice.post_form(EDIT, title="Second", seen=seen, members="everybody")
    assert answer.status_code == 409 and 'value="First"' in answer.text
    assert "changed in the meantime" in answer.text
    assert [kind for kind, *_ in read_members()] == ["department"]


def test_the_edit_page_lists_the_members_with_the_reason_for_each(alice, dev):
    text = strip_markup(alice.get(EDIT).text)
    assert "zhangwei 张伟 in East, below Sales" in text
    assert "zhangwei" in strip_markup(alice.get(f"{EDIT}?who=张").text)
    assert "No results" in alice.get(f"{EDIT}?who=wang").text


def test_a_group_in_use_is_not_deleted(alice, dev):
    store_row(Application(name="wiki", title="Wiki", groups=[dev]))
    answer = alice.post_form("/admin/groups/dev/delete")
    assert answer.status_code == 409 and "Take it from these applications first: Wiki." in answer.text
    assert read_members() and "admin/groups/dev/delete" not in alice.get(EDIT).text


def test_a_group_is_deleted(alice, dev):
    assert alice.post_form("/admin/groups/dev/delete").location == "/admin/groups"
    assert read_members() is None
    assert db.session.scalar(select(AuditEvent.result).where(AuditEvent.action == "group.delete")) == 0


@pytest.mark.parametrize("path", ["edit", "delete"])
def test_an_unknown_group_is_not_found(alice, path):
    assert alice.post_form(f"/admin/groups/none/{path}").status_code == 404


class TestOldSignIn:
    """What is typed survives the way over a new sign-in."""

    @pytest.fixture
    def boss(self, alice):
        """Alice, eleven minutes after her scan as Zhang San."""
        alice.sign_in()
        db.session.rollback()
        db.session.execute(update(Account).where(Account.username == "zhangsan").values(role="admin"))
        db.session.execute(update(LoginSession).values(signed_in_at=now() - timedelta(minutes=11)))
        db.session.commit()
        return alice

    def come_back(self, browser, answer):
        """Confirm by a scan, and return the page it leads to."""
        assert answer.status_code == 403, answer.text
        [back] = set(re.findall(r'name="next" value="(/admin[^"]*)"', answer.text))
        address = browser.post_form("/account/confirm/FSInnerExample", next=unescape(back)).location
        return browser.get(browser.get(answer_platform(address)).location)

    def test_a_new_group(self, boss, line):
        answer = boss.post_form(CREATE, title="研发", name="dev", members=f"{line}\nnonsense & more", q="")
        assert read_members() is None
        page = self.come_back(boss, answer)
        assert 'value="研发"' in page.text and read_lines(page) == [line, "nonsense & more"]

    def test_a_change_of_a_large_group(self, boss, dev):
        people = [Account(username=f"colleague-{number:05}", name="x") for number in range(400)]
        db.session.add_all(people)
        db.session.flush()
        group = db.session.scalar(select(Group))
        group.members = [GroupMember(kind="account", value=str(person.id)) for person in people]
        db.session.commit()
        stored = [f"account colleague-{number:05}" for number in range(400)]
        lines = [*stored[:200], *stored[210:], "role admin"]
        answer = boss.post_form(EDIT, title="All", name="dev", members="\n".join(lines), seen="1", save="1")
        page = self.come_back(boss, answer)
        assert read_lines(page) == lines and 'value="All"' in page.text
        saved = boss.post_form(EDIT, title="All", name="dev", members="\n".join(lines), seen=read_seen(page))
        assert saved.status_code == 303 and len(read_members()) == 391

    def test_more_than_an_address_holds_stays_on_the_page(self, boss):
        chance = random.Random(1)
        lines = [f"account {chance.getrandbits(64):x}" for _ in range(900)]
        answer = boss.post_form(CREATE, title="T", name="dev", members="\n".join(lines))
        assert answer.status_code == 403 and read_lines(answer) == lines
        assert "too many to be kept while you confirm" in answer.text

    def test_searching_and_adding_needs_no_new_sign_in(self, boss, line):
        assert boss.post_form(CREATE, q="Sales").status_code == 200
        assert boss.post_form(CREATE, add=line).status_code == 200


@pytest.mark.parametrize("draft", ["x", "!!", "eJwDAAAAAAE=", "é", "A" * 1900])
def test_a_draft_that_makes_no_sense_is_an_empty_form(alice, draft):
    answer = alice.get(CREATE, query_string={"draft": draft})
    assert answer.status_code == 200 and read_lines(answer) == [""]
