"""What the cells of an import mean: no filled cell is passed over, and the habits of spreadsheets are read."""

import pytest
from support.admin_client import count_rows, sign_in_administrator, store_account, strip_markup
from support.csv_uploads import read_outcomes, start_dry_run, store_person, upload_csv
from support.portal_app import both_databases

from portal.models import FSInnerAuthModel as Feishu
from portal.models import Import

ZHANG = {"employee_number": "E7", "company_email": "zhang@corp.example", "mobile": "+8613812345678", "name": "张三"}
LI = {"employee_number": "E8", "company_email": "li@corp.example", "mobile": "13912345678", "name": "李四"}


@pytest.fixture
def alice(portal):
    store_account(portal, "bob")
    for user_id, facts in (("zhangsan", ZHANG), ("lisi", LI)):
        store_person(portal, user_id, **facts)
    return sign_in_administrator(portal)


def outcomes(portal, browser, lines):
    return list(read_outcomes(portal, start_dry_run(browser, "\n".join(lines))).values())


# Keys


@both_databases
def test_a_filled_cell_that_gives_no_key_is_an_error_of_its_line(alice, portal):
    lines = {
        "bob,,zhang@corp.example,n/a": "unusable:mobile",
        "bob,,zhang@corp.example,无": "unusable:mobile",
        "bob,,zhang@corp.example,-": "unusable:mobile",
        "bob,,zhang@corp.example,1.38123E+10": "unusable:mobile",
        "bob,,zhang@corp.example,13812345678 home": "unusable:mobile",
        "bob,,n/a,13812345678": "unusable:email",
        "bob,,zhang at corp,13812345678": "unusable:email",
        "bob,n/a,zhang@corp.example": "keys_differ",
        "bob,,zhang@corp.example,,,none": "keys_differ",
    }
    assert outcomes(portal, alice, lines) == [("error", reason) for reason in lines.values()]


@pytest.mark.parametrize(("language", "words"), [("en", "in the column Mobile can"), ("zh", "“手机号”")])
def test_the_error_says_the_heading(alice, language, words):
    address = start_dry_run(alice, "bob,,zhang@corp.example,n/a\n")
    alice.post_form("/language", language=language)
    assert words in strip_markup(alice.get(address).text)
    alice.post_form(f"{address}/apply")
    assert words in alice.get(f"{address}/failed.csv").text


def test_a_second_key_that_contradicts_is_an_error(alice, portal):
    lines = [
        "bob,E7,,13912345678",  # somebody else's
        "bob,E7,,13700000000",  # nobody's
        "bob,E7,li@corp.example",
        "bob,E7,nobody@corp.example",
        "bob,E7,,,,lisi",
        "bob,,zhang@corp.example,１３９１２３４５６７８",
    ]
    assert outcomes(portal, alice, lines) == [("error", "keys_differ")] * len(lines)


@both_databases
@pytest.mark.parametrize(
    "line",
    [
        "bob,Ｅ７",
        "bob,,ｚｈａｎｇ＠ｃｏｒｐ．ｅｘａｍｐｌｅ",
        "bob,,ZHANG@CORP.EXAMPLE",
        "bob,,,＋８６１３８１２３４５６７８",
        "bob,,,１３８－１２３４－５６７８",
        "bob,,,8613812345678",
        "bob,,,0086 138 1234 5678",
        "bob,,,138\u20111234\u00a05678",
        "bob,,,,,ＺｈａｎｇＳａｎ",
        "bob,,,,,ZHANGSAN",
        "bob,E7,zhang@corp.example,（138）12345678,企业微信,zhangsan",
    ],
)
def test_keys_are_compared_whatever_their_width(alice, portal, line):
    assert outcomes(portal, alice, [line]) == [("new", "")]


def test_what_a_platform_tells_in_full_width_is_found_as_well(alice, portal):
    store_person(portal, "wangwu", employee_number="Ｅ－９")
    assert outcomes(portal, alice, ["bob,E-9"]) == outcomes(portal, alice, ["bob,Ｅ－９"]) == [("new", "")]


def test_an_id_of_letters_that_only_fold_alike_is_another(alice, portal):
    store_person(portal, "staff"), store_person(portal, "kate", Feishu)
    lines = ["bob,,,,,ſtaff", "bob,,,,,\u212aate", "bob,,,,,STAFF"]
    assert outcomes(portal, alice, lines) == [("error", "no_person"), ("error", "no_person"), ("new", "")]


@both_databases
def test_a_cell_no_column_holds_is_an_error_of_its_line(alice, portal):
    long = "x" * 300
    lines = [
        f"{long},E7",
        f"bob,{long}",
        f"bob,,{long}@corp.example",
        f"bob,E7,,,,,{long}",
        f"bob,E7,,,,,,{long}",
        "bob,E7",
    ]
    columns = ("username", "employee_number", "email", "name", "role")
    expected = [("error", f"cell_too_long:{column}") for column in columns]
    assert outcomes(portal, alice, lines) == [*expected, ("new", "")]


# Marks that can't be seen, and the habits of spreadsheets


HIDDEN = ["\u200b", "\ufeff", "\u2060", "\u200e", "\u202a", "\u00ad", "\u00a0", "\u3000", "\u2009"]


@pytest.mark.parametrize("mark", HIDDEN, ids=ascii)
def test_marks_that_can_not_be_seen_change_nothing(alice, portal, mark):
    head = f"{mark}username{mark},{mark}employee number,mobile{mark}\n"
    lines = f"{mark}bob,E7{mark},{mark}13812345678{mark}\n{mark},{mark},\n"
    assert read_outcomes(portal, start_dry_run(alice, lines, head)) == {2: ("new", "")}


TABLE = "用户名\t工号\t姓名\r\nbob\tE7\t张三\r\n"
MARKED = {
    "utf-8": b"\xef\xbb\xbf",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "gb18030": b"\x84\x31\x95\x33",
}


@pytest.mark.parametrize("encoding", MARKED)
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_each_encoding_is_known_by_its_own_mark(alice, portal, encoding, delimiter):
    answer = upload_csv(alice, MARKED[encoding] + TABLE.replace("\t", delimiter).encode(encoding))
    assert read_outcomes(portal, answer.location) == {2: ("new", "")}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("sep=;\nusername;employee number\nbob;E7\n", 3),
        ("sep=;;;\nusername;employee number;\nbob;E7;\n", 3),
        ("SEP=,\r\nusername,employee number\r\nbob,E7\r\n", 3),
        ('"sep=;"\nusername;"employee number"\nbob;E7\n', 3),
        ("sep=\t\nusername\temployee number\nbob\tE7\n", 3),
        ('\u200b"username","employee number"\n"bob",\u200b"E7"\n', 2),
        ('\ufeff\ufeff"username", "employee number"\n"bob", "E7"\n', 2),
        ("\u200bsep=;\nusername;employee number\nbob;E7\n", 3),
        ("\ufeffsep=;\nusername;employee number\n\nbob;E7\n", 4),
        ("\n;;\n\nusername;employee number\nbob;E7\n", 5),
        ("username,employee number\rbob,E7\r", 2),
        ('username,employee number\nbob,="E7"\n', 2),
        ('username,employee number\n"=""bob""","=""E7"""\n', 2),
        ('username,mobile\nbob,="13812345678"\n', 2),
        ("username,mobile\nbob,'+8613812345678\n", 2),
        ("username,mobile\nbob,'13812345678\n", 2),
        ("username,employee number,\nbob,E7,,,,,\n,,,,,\n", 2),
        ("ＵＳＥＲＮＡＭＥ,Ｅ－ｍａｉｌ\nbob,zhang@corp.example\n", 2),
        ("username,employee number" + "," * 300 + "\nbob,E7" + "," * 300 + "\n", 2),
    ],
)
def test_the_habits_of_spreadsheets_are_read(alice, portal, content, line):
    answer = upload_csv(alice, content)
    assert answer.status_code == 303, strip_markup(answer.text)
    assert read_outcomes(portal, answer.location) == {line: ("new", "")}


UNUSABLE = {
    "quote never closed": (b'username,name\nbob,Bob\n"carol,C\n' + b"dave,D\n" * 50_000, "marks from line 3 on"),
    "quote out of place": (b'username,name\n"bob"by,Bob\n', "marks from line 2 on"),
    "quotes around everything": (b'"' + b"a,b\n" * 100_000, "marks from line 1 on"),
    "NUL": (b"username,name\nbob,B\0b\n", "be read as CSV"),
    "UTF-16 without its mark": ("username,name\nbob,Bob\n".encode("utf-16-le"), "be read as CSV"),
    "half of UTF-16": (b"\xff\xfe" + "username,name\nbob,Bob\n".encode("utf-16-le")[:-1], "be read as CSV"),
    "UTF-8 by its mark alone": (b"\xef\xbb\xbfusername,name\nbob,\xff\n", "be read as CSV"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_file_that_is_no_table_is_refused_and_nothing_kept(alice, portal, kind):
    content, words = UNUSABLE[kind]
    answer = upload_csv(alice, content)
    assert answer.status_code == 422
    assert words in strip_markup(answer.text).replace("&#39;", "'")
    assert count_rows(portal, Import) == 0
