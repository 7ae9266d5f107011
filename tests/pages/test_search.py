"""One search finds people, accounts, departments and references."""

import re

import pytest
from support.admin_client import strip_markup
from support.portal_app import FEISHU, both_databases, find_reference
from support.rows import HOSTILE, add_account, add_department, add_person, add_request

from portal import audit
from portal.audit import Actor, Client
from portal.database import write
from portal.pages.references import parse_reference

pytestmark = pytest.mark.usefixtures("alice", "context")


def search(alice, q):
    answer = alice.get("/admin/search", query_string={"q": q})
    assert answer.status_code == 200, answer.text
    return answer.text


def read_found(page, kind):
    """Return the names in a section of the results."""
    section = re.search(rf'<section class="panel found" aria-labelledby="{kind}">.*?</section>', page, re.S)
    return (
        [strip_markup(name) for name in re.findall(r'<a class="row-link"[^>]*>(.*?)</a>', section[0], re.S)]
        if section
        else []
    )


def read_answer(page):
    found = re.search(r'<section class="panel answer".*?</section>', page, re.S)
    return strip_markup(found[0]) if found else ""


def record_sign_in(person, reference, result=0, **facts):
    client = Client("192.0.2.7", "", reference)
    with write():
        audit.record("login", Actor(None, client), result=result, identity_id=person.id, element=FEISHU, **facts)


@both_databases
class TestKinds:
    @pytest.fixture(autouse=True)
    def company(self, context):
        sales = add_department("d_7%", "销售部")
        zhang = add_account("zhang.wei", name="张伟", employee_number="A100", email="Zhang@example.com")
        contact = {"email": "Wei.Zhang@corp.example", "mobile": "+8613812345678"}
        add_person("zw", zhang, [sales], name="张伟", employee_number="E_77%", **contact)
        add_person("li.na", name="李娜", mobile="13800005679")

    @pytest.mark.parametrize("q", ["张伟", "伟", "ZW", "E_77", "wei.zhang@CORP.example", "5678", "13812345678"])
    def test_people(self, alice, q):
        assert read_found(search(alice, q), "people") == ["张伟"]

    @pytest.mark.parametrize("q", ["zhang.wei", "张", "A100", "zhang@EXAMPLE.com"])
    def test_accounts(self, alice, q):
        assert read_found(search(alice, q), "accounts") == ["zhang.wei"]

    def test_departments(self, alice):
        page = search(alice, "销售")
        assert read_found(page, "departments") == ["销售部"]
        assert "1 result" in strip_markup(page)

    @pytest.mark.parametrize(
        "q", ["%", "_", "E.77", "567", "\\", "wei.zhang@", HOSTILE, "x" * 5_000, "\x00", "7F3K-2Q"]
    )
    def test_nothing_else(self, alice, q):
        page = search(alice, q)
        assert read_found(page, "people") == (["张伟"] if q in "%_" and q else [])
        assert read_found(page, "departments") == []
        assert HOSTILE not in page
        assert q not in ("567", "7F3K-2Q", HOSTILE) or "No results" in page


def test_twenty_of_a_kind_and_a_way_to_the_others(alice):
    for number in range(21):
        add_person(f"same{number:02}", name="王芳")
    add_person("exact", name="同名")
    add_person("other", name="同名同姓")

    page = search(alice, "王芳")

    assert len(read_found(page, "people")) == 20
    assert 'href="/admin/bindings?q=%E7%8E%8B%E8%8A%B3"' in page
    assert "More than 20 results" in page
    assert read_found(search(alice, "同名"), "people") == ["同名", "同名同姓"]


def test_nothing_is_searched_without_a_text(alice):
    for q in ("", "   "):
        page = search(alice, q)
        assert "No results" not in page and read_found(page, "accounts") == []


@pytest.mark.parametrize("text", ["7F3K-2Q", "7f3k2q", " 7F3K 2q "])
def test_references_are_read_as_people_write_them(text):
    assert parse_reference(text) == "7F3K-2Q"


@pytest.mark.parametrize("text", ["7F3K-2", "7F3K-2QQ", "0F3K-2Q", "7F3K–2Q", ""])
def test_other_texts_are_no_references(text):
    assert parse_reference(text) is None


@both_databases
def test_a_reference_says_what_happened_and_what_to_do(alice):
    person = add_person("li", name="李四")
    record_sign_in(person, "7F3K-2Q", 40303)
    request = add_request(person, reference="7F3K-2Q")

    page = search(alice, "7f3k2q")

    answer = read_answer(page)
    assert answer.startswith("李四 could not sign in 7F3K-2Q")
    assert "Not bound to an account 40303" in answer and "waiting in the queue" in answer
    assert f'href="/admin/queue?q=7F3K-2Q#request-{request.id}"' in page
    assert f'href="/admin/people/{person.id}"' in page
    assert "2 results" in strip_markup(page)


@both_databases
def test_the_answer_knows_what_has_become_of_it(alice):
    bound = add_person("bound", add_account("bound"))
    record_sign_in(bound, "AAAA-22", 40303)
    add_request(bound, "done", reference="AAAA-22")
    refused = add_person("refused")
    add_request(refused, "refused", reference="BBBB-22", reason="Not our colleague")
    signed_in = add_person("fine", add_account("fine"))
    record_sign_in(signed_in, "CCCC-22", account_id=signed_in.account_id)
    cancelled = add_person("cancelled")
    record_sign_in(cancelled, "DDDD-22", 40305)

    assert "bound is bound to bound now and can sign in" in read_answer(search(alice, "AAAA-22"))
    assert "Not our colleague" in read_answer(search(alice, "BBBB-22"))
    assert "this went well" in read_answer(search(alice, "CCCC-22"))
    assert "They can start again" in read_answer(search(alice, "DDDD-22"))
    assert read_answer(search(alice, "EEEE-22")) == ""


@pytest.mark.parametrize(
    ("number", "account", "person", "advice"),
    [
        (40303, {}, {}, "li is bound to li now and can sign in"),
        (40304, {"active": False}, {}, "Enable the account if the person needs it again."),
        (40302, {}, {"status": 3}, "Check in the platform's console whether the person is active"),
    ],
)
def test_only_a_person_who_can_sign_in_needs_nothing(alice, number, account, person, advice):
    record_sign_in(add_person("li", add_account("li", **account), name="li", **person), "7F3K-2Q", number)
    assert advice in read_answer(search(alice, "7F3K-2Q")).replace("&#39;", "'")


def test_the_reference_of_a_real_scan_is_found(alice, make_portal, client, portal):
    portal.config["PORTAL_UNKNOWN_PEOPLE"] = "queue"
    page = client.wait(FEISHU, "lisi")
    reference = find_reference(page.text)[1]

    found = search(alice, reference)

    assert "李四 could not sign in" in read_answer(found) and "waiting in the queue" in read_answer(found)


def test_a_request_is_found_in_a_long_queue(alice):
    for number in range(51):
        request = add_request(add_person(f"p{number}"), reference=f"QQQQ-{'ABCDEFGH'[number % 8]}{2 + number // 8}")

    page = search(alice, request.reference)

    address = re.search(r'href="(/admin/queue[^"#]*)#request-', page)[1].replace("&amp;", "&")
    assert f'id="request-{request.id}"' in alice.get(address).text
