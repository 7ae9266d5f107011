"""The table of people has columns to its filter, pages of two sizes, and ways back into it."""

import re
from html import unescape

import pytest
from sqlalchemy import event
from support.admin_client import strip_markup
from support.large_company import fill_company
from support.rows import add_account, add_person, add_request, reload_row

from portal.bindings import people_counts
from portal.bindings.people_filters import PeopleFilters, count_people
from portal.clocks import now
from portal.database import db
from portal.models import Account, SyncRun

pytestmark = pytest.mark.usefixtures("alice", "context")

MOST_BYTES, MOST_QUERIES = 100_000, 14


def read_headings(page):
    return [strip_markup(text).strip() for text in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page, re.DOTALL)][1:]


def list_links(page, rel):
    return [unescape(href) for href in re.findall(rf'rel="{rel}"\s+href="([^"]*)"', page)]


def add_people(number, **fields):
    return [add_person(f"p{index:03}", name=f"p{index:03}", **fields) for index in range(number)]


# Columns


def test_suggestions_show_account_reasons_and_accept_in_the_row(alice):
    own = add_account("zhang.wei", employee_number="E1", name="张伟")
    person = add_person("zw", name="张伟", employee_number="E1")
    page = alice.get("/admin/bindings?status=suggested").text
    assert read_headings(page)[1:4] == ["Department", "Suggested account", "Reasons"]
    assert f'form="one" name="pair" value="{person.id}:{own.id}"' in page
    assert f'<input type="checkbox" name="pair" value="{person.id}:{own.id}" form="accept"' in page
    assert "same employee number" in page and "Last sign-in</a>" not in page


def test_accept_binds_and_returns_to_the_filtered_list(alice):
    own = add_account("zhang.wei", employee_number="E1")
    person = add_person("zw", employee_number="E1")
    back = "/admin/bindings?status=suggested"
    page = alice.get(back).text
    fields = re.search(r'<form id="one" method="post" action="([^"]*)">(.*?)</form>', page, re.DOTALL)
    values = dict(re.findall(r'name="(\w+)" value="([^"]*)"', fields[2])) | {"pair": f"{person.id}:{own.id}"}
    answer = alice.post(fields[1], data=values)
    assert (answer.status_code, answer.location) == (303, back)
    assert reload_row(person).account_id == own.id


@pytest.mark.parametrize("fields", [{"role": "admin", "employee_number": "E1"}, {"email": "zw@example.com"}])
def test_a_weak_suggestion_and_an_administrators_account_are_compared_instead(alice, fields):
    add_account("boss", **fields)
    add_person("zw", employee_number="E1", email="zw@example.com")
    for address in ("/admin/bindings", "/admin/bindings?status=suggested"):
        page = alice.get(address).text
        assert 'aria-label="Compare zw"' in page and 'form="one" name="pair"' not in page


def test_conflicts_show_the_problem_and_resolve(alice):
    own = add_account("own", employee_number="E1")
    add_person("holder", account=own, name="王芳")
    person = add_person("zw", employee_number="E1")
    page = alice.get("/admin/bindings?status=conflict").text
    assert "own is bound to 王芳" in page and 'type="checkbox" name=' not in page
    assert f'href="/admin/bindings/{person.id}/conflict?back=/admin/bindings?status%3Dconflict"' in page


def test_an_account_of_two_platforms_shows_both_marks(alice):
    own = add_account("both")
    add_person("zw", account=own), add_person("ou_zw", account=own, provider="feishu")
    add_person("alone", account=add_account("alone"))
    page = alice.get("/admin/bindings").text
    assert page.count('aria-label="Feishu, WeCom"') == 2
    assert page.count('class="marks"') == 2


def test_table_and_persons_page_show_the_persons_picture(alice):
    address = "https://wework.qpic.cn/wwpic3az/zw/0"
    person = add_person("zw", avatar=address)
    for path in ("/admin/bindings", f"/admin/people/{person.id}"):
        page = alice.get(path).text
        assert f'<img src="{address}" alt=""' in page and "js/pictures.js" in page


# Pages


@pytest.mark.parametrize(("size", "rows"), [("100", 100), ("50", 50), ("7", 50), ("100000", 50), ("x", 50)])
def test_a_page_has_fifty_people_or_a_hundred(alice, size, rows):
    add_people(120)
    page = alice.get(f"/admin/bindings?size={size}").text
    assert len(re.findall(r'<td class="cell-who">', page)) == rows


def test_all_links_keep_the_size_and_the_filters(alice):
    add_people(320)
    page = alice.get("/admin/bindings?q=p&size=100&page=2").text
    paging = page[page.index('<div class="paging">') :]
    links = [unescape(link) for link in re.findall(r'href="([^"]*)"', paging[: paging.index("</div>")])]
    assert links == [
        "/admin/bindings?q=p&size=100",
        "/admin/bindings?q=p&size=100",
        "/admin/bindings?q=p&page=2&size=100",
        "/admin/bindings?q=p&page=3&size=100",
        "/admin/bindings?q=p&page=4&size=100",
        "/admin/bindings?q=p&page=3&size=100",
        "/admin/bindings?q=p",
        "/admin/bindings?q=p&size=100",
    ]
    assert '<input type="hidden" name="size" value="100">' in page


def test_the_last_page_of_many_is_one_click_away(alice):
    fill_company(db.session, people=1_000)
    page = alice.get("/admin/bindings").text
    assert re.findall(r'href="/admin/bindings\?page=(\d+)"', page) == ["2", "3", "20", "2"]


ADDRESSES = ("", "?size=100", "?status=suggested&size=100", "?status=waiting&size=100", "?status=unbound&size=100")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_at_three_thousand_people_a_page_stays_small_and_costs_few_queries(alice, address, language):
    fill_company(db.session)
    queries = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: queries.append(args[2]))
    answer = alice.get(f"/admin/bindings{address}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert len(answer.data) < MOST_BYTES
    assert len([query for query in queries if not query.startswith("BEGIN")]) <= MOST_QUERIES


def test_suggestions_and_conflicts_are_counted_among_three_thousand(alice):
    fill_company(db.session)
    counts = people_counts.count_by_status()
    assert counts["open"] > 900
    listed = {status: count_people(PeopleFilters(status=status)) for status in ("suggested", "conflict")}
    assert {status: counts[status] for status in listed} == listed
    assert f"Suggestions <strong>{listed['suggested']}</strong>" in alice.get("/admin/bindings").text


# The way back


def test_a_persons_page_leads_back_and_on_within_the_filtered_list(alice):
    people = add_people(60)
    page = alice.get("/admin/bindings?q=p0&page=2").text
    first, second = re.findall(r'href="(/admin/people/[^"]*)"', page)[:2]
    assert first == f"/admin/people/{people[50].id}?at=51&amp;q=p0"
    page = alice.get(unescape(first)).text
    assert '<a class="crumb" href="/admin/bindings?q=p0&amp;page=2">' in page
    assert "Next of 60" in page
    assert list_links(page, "next") == [unescape(second)]
    assert list_links(page, "prev") == [f"/admin/people/{people[49].id}?at=50&q=p0"]


def test_the_first_has_none_before_it_and_the_last_none_after(alice):
    people = add_people(2)
    first, last = (alice.get(f"/admin/people/{row.id}?at={at}").text for at, row in enumerate(people, start=1))
    assert (list_links(first, "prev"), list_links(last, "next")) == ([], [])
    assert list_links(first, "next") == [f"/admin/people/{people[1].id}?at=2"]


def test_after_one_was_bound_the_next_is_the_one_in_their_place(alice):
    for number in range(3):
        add_account(f"a{number}", employee_number=f"E{number}")
    people = [add_person(f"p{number}", employee_number=f"E{number}") for number in range(3)]
    before = alice.get(f"/admin/people/{people[1].id}?at=2&status=suggested").text
    people[1].account = add_account("other")
    db.session.commit()
    after = alice.get(f"/admin/people/{people[1].id}?at=2&status=suggested").text
    assert list_links(before, "next") == [f"/admin/people/{people[2].id}?at=3&status=suggested"]
    assert list_links(after, "next") == [f"/admin/people/{people[2].id}?at=2&status=suggested"]
    assert list_links(after, "prev") == [f"/admin/people/{people[0].id}?at=1&status=suggested"]
    assert "Next of 2" in after


def test_a_page_of_a_person_that_comes_from_no_list_has_no_next(alice):
    people = add_people(2)
    page = alice.get(f"/admin/people/{people[0].id}").text
    assert "Next of" not in page and '<a class="crumb" href="/admin/bindings">' in page


@pytest.mark.parametrize("at", ["0", "-1", "x", "999999999", "99999999999999999999"])
def test_nonsense_as_the_place_is_no_error(alice, at):
    person = add_person("zw")
    assert alice.get(f"/admin/people/{person.id}?at={at}").status_code == 200


@pytest.mark.parametrize("back", ["/admin/bindings?status=conflict&q=x", "//evil.example/", "https://evil.example/"])
def test_every_act_returns_to_the_page_it_began_at_if_it_is_ours(alice, back):
    own, other = add_account("own", employee_number="E1"), add_account("other", employee_number="E2")
    person = add_person("zw")
    home = f"/admin/people/{person.id}"
    expected = back if back.startswith("/admin") else home
    bind = {"identity": person.id, "account": own.id, "back": back}
    assert alice.post_form("/admin/bindings/bind", **bind).location == expected
    assert alice.post_form(f"{home}/end-sessions", back=back).location == expected
    unbind = {"seen": own.id, "back": back}
    assert alice.post_form(f"/admin/bindings/{person.id}/unbind", **unbind).location == expected
    decline = {"account": other.id, "back": back}
    assert alice.post_form(f"/admin/bindings/{person.id}/decline", **decline).location == expected


def test_the_pages_on_the_way_carry_the_way_back(alice):
    add_account("own", employee_number="E1")
    holder, person = add_person("holder", account=add_account("x")), add_person("zw", employee_number="E1")
    back = "/admin/bindings?status=suggested&page=2"
    field = '<input type="hidden" name="back" value="/admin/bindings?status=suggested&amp;page=2">'
    account = db.session.query(Account).filter_by(username="own").one().id
    for path, args in (
        ("/admin/bindings/bind", {"identity": person.id}),
        ("/admin/bindings/bind", {"identity": person.id, "account": account}),
        (f"/admin/bindings/{holder.id}/unbind", {}),
    ):
        assert field in alice.get(path, query_string={**args, "back": back}).text, path
    chosen = alice.get("/admin/bindings/bind", query_string={"identity": person.id, "back": back}).text
    assert "back=/admin/bindings?status%3Dsuggested%26page%3D2" in chosen


@pytest.mark.parametrize("path", ["/admin/people/{id}", "/admin/bindings/{id}/unbind", "/admin/bindings/bind"])
def test_the_menu_marks_bindings_on_the_pages_about_people(alice, path):
    person = add_person("zw", account=add_account("own"))
    page = alice.get(path.format(id=person.id)).text
    assert re.findall(r'<a href="([^"]*)" aria-current="true"', page) == ["/admin/bindings"]


# First steps


def test_the_first_steps_are_one_line_once_people_are_bound_and_can_be_closed(alice):
    add_person("bob", account=add_account("bob"))
    db.session.add(SyncRun(element="QywxInnerExample", state="done", open=None, how="page", ended_at=now()))
    db.session.commit()
    page = alice.get("/admin/bindings").text
    assert "1 step left:" in page and "Bind yourself" in page and "checklist" not in page
    answer = alice.post_form("/admin/bindings/first-steps", back="/admin/bindings?q=bob")
    assert answer.location == "/admin/bindings?q=bob"
    assert "step left" not in alice.get("/admin/bindings").text


def test_the_list_of_first_steps_can_not_be_closed_before(alice):
    add_request(add_person("bob"))
    alice.post_form("/admin/bindings/first-steps")
    assert "checklist" in alice.get("/admin/bindings").text
