"""People are called what they are called: rare characters stay, marks that can't be seen do not."""

import io
import re

import pytest
from sqlalchemy import select
from support.admin_client import open_database, sign_in_administrator
from support.portal_app import both_databases

from portal.models import Account, Identity
from portal.text import clean, is_clean, one_line

PROFILE = {"open_id": "ou_1", "union_id": "on_1", "tenant_key": "736588c9260f1750"}
NAMES = [
    "王\U00031353",  # newer than the Unicode tables of Python 3.11
    "李\U000323af",
    "张\ue000\U000f0001",  # private use: how some companies write what no font has
    "葛\U000e0100城",  # a variant form of the character before it
    "Ⅷ\u0378",  # assigned in no table yet
    "👩\u200d💻",
    "👨\u200d👩\u200d👧 家",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "نامه\u200cای",
    "क्\u200dष",
    "Zoë O’Brien",
    "欧阳\u3000娜娜",
]
MARKS = [
    *("\x00", "\x07", "\x7f", "\x85", "\u200b", "\u200e", "\u202e", "\u2066", "\u2028", "\u2029", "\ufeff", "\u00ad"),
    *("\u061c", "\u2060", "\ufff9", "\ufffe", "\uffff", "\U0001ffff", "\ufdd0", "\ud800", "\udfff", "\U000e0041"),
    *("\u200c", "\u200d"),  # which do something between letters of other scripts
]


@both_databases
@pytest.mark.parametrize("name", [NAMES[0], NAMES[2], NAMES[6]])
def test_a_persons_name_is_stored_and_shown_as_the_platform_tells_it(make_portal, sandbox, name):
    browser = make_portal(PORTAL_UNKNOWN_PEOPLE="create").test_client()
    sandbox.fail("/open-apis/authen/v1/user_info", body={"code": 0, "data": {**PROFILE, "name": name}})
    sandbox.fail("/open-apis/contact/v3/users/*", body={"code": 41050, "msg": "no user authority"})
    assert browser.sign_in("FSInnerExample").status_code == 303
    assert name in browser.get("/account").text
    with open_database(browser.application) as session:
        assert session.scalar(select(Identity.name)) == name


@both_databases
def test_an_account_may_have_any_name_that_can_be_seen(portal):
    alice = sign_in_administrator(portal)
    for number, name in enumerate(NAMES):
        name = name.replace("\u3000", " ")  # blanks in a form are blanks
        username = f"{name.replace(' ', '')}{number}"
        answer = alice.post_form("/admin/accounts/create", username=username, name=name)
        assert answer.status_code == 303, ascii(name)
        with open_database(portal) as session:
            made = session.get_one(Account, int(answer.location.rpartition("/")[2]))
            assert (made.username, made.name) == (username, name)


@both_databases
def test_a_file_may_name_accounts_so_too(portal):
    alice = sign_in_administrator(portal)
    lines = "username,name\n" + "".join(f"user{number},{name}\n" for number, name in enumerate(NAMES))
    answer = alice.post_form("/admin/bindings/import", file=(io.BytesIO(lines.encode()), "staff.csv"))
    alice.post_form(f"{answer.location}/apply", accounts="1")
    with open_database(portal) as session:
        made = session.scalars(select(Account.name).where(Account.username != "alice").order_by(Account.id)).all()
    assert made == [name.replace("\u3000", " ") for name in NAMES]


def test_a_username_with_a_hidden_mark_is_refused(portal):
    alice = sign_in_administrator(portal)
    for mark in MARKS:
        if mark.isspace() or "\ud800" <= mark <= "\udfff":
            continue  # a blank like any other, and what no form can send
        answer = alice.post_form("/admin/accounts/create", username=f"ad{mark}min")
        assert answer.status_code == 422, ascii(mark)
        assert re.search(r'id="username" [^>]*aria-invalid="true"', answer.text)
        assert "characters that can" in answer.text


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
def test_hidden_marks_are_taken_out_of_what_platforms_tell(mark):
    assert one_line(f"{mark}张{mark}{mark}三{mark}") == "张三"
    assert not is_clean(f"zhang{mark}san")


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_cleaned_text_is_clean(name):
    assert clean(name) == one_line(name) == name and is_clean(name)
    long = one_line(f"{name} " * 300)
    assert len(long) <= 255 and is_clean(long)
    assert is_clean(one_line("م\u200c\u061c" * 300)) and is_clean(one_line("x" * 254 + " y"))


def test_what_a_text_is_too_long_for_is_said_so(portal):
    answer = sign_in_administrator(portal).post_form("/admin/accounts/create", username="x" * 300)
    assert answer.status_code == 422 and "too long: 64" in answer.text
