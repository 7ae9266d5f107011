"""The Chinese pages say the same as their English twins.

They use the words of the portal's own Chinese pages.
"""

import re
from functools import cache

import pytest
from babel.messages.pofile import read_po
from support.docs_pages import (
    CODE,
    INLINE,
    LINK,
    anchors,
    inline_code,
    italics,
    links,
    pages,
    prose,
    relative,
    table,
    text,
)
from support.portal_app import ROOT

from portal.bindings import csv_headings
from portal.pages.admin import layout

TWINS = {
    "README.zh.md": "README.md",
    "docs/zh/administration.md": "docs/administration.md",
    "docs/zh/applications.md": "docs/applications.md",
    "docs/zh/faults.md": "docs/faults.md",
    "docs/zh/feishu.md": "docs/feishu.md",
    "docs/zh/monitoring.md": "docs/monitoring.md",
    "docs/zh/production.md": "docs/production.md",
    "docs/zh/wecom.md": "docs/wecom.md",
}
CHINESE_OF = {english: chinese for chinese, english in TWINS.items()}
CONSOLES = ("docs/zh/feishu.md", "docs/zh/wecom.md")  # they lead through a platform's console
HAN = "\u4e00-\u9fff"
MINUTES = {"ten minutes": "十分钟", "fifteen minutes": "十五分钟"}
NOT_OUR_WORDS = "解除绑定|审计|参考编号|平台用户 ID|登录元素(?!文件)|登陆|帐号|帐户|扫描|你"
ENDS_OF_LINES = "。：；，、）」”"

twins = pytest.mark.parametrize(("page", "english"), TWINS.items())
chinese = pytest.mark.parametrize("page", TWINS)


def test_these_pages_are_in_chinese():
    assert list(TWINS) == [page for page in pages() if "zh" in page]


# The same contents


@twins
def test_the_twins_lead_to_each_other(page, english):
    assert (english, "") in links(page)
    assert (page, "") in links(english)


@twins
def test_the_headings_are_as_many_and_as_deep(page, english):
    def read_depths(page):
        return re.findall("^#+ ", prose(page), re.MULTILINE)

    assert read_depths(page) == read_depths(english)


@twins
def test_the_examples_are_the_same_but_for_titles_and_comments(page, english):
    def read_examples(page):
        titles, comments = r'(?<="title": ")[^"]*', r"\s+# .*"
        return [(name, re.sub(comments, "", re.sub(titles, "", code))) for name, code in CODE.findall(text(page))]

    assert read_examples(page) == read_examples(english)


@twins
def test_the_names_commands_and_addresses_are_the_same(page, english):
    def find_addresses(page):
        return set(re.findall(r"https?://[^\s)>`]+", text(page)))

    assert set(inline_code(page)) == set(inline_code(english))
    assert find_addresses(page) == find_addresses(english)


@twins
def test_the_tables_have_the_same_numbers_and_names(page, english):
    def read_facts(page):
        return [
            [[(find_numbers(cell), INLINE.findall(cell)) for cell in row] for row in rows]
            for rows in find_all_tables(page)
        ]

    assert read_facts(page) == read_facts(english)


def find_all_tables(page):
    """Return the rows of each table of a page, headings included."""
    blocks = re.findall(r"(?:^\|.*\n)+", prose(page), re.MULTILINE)
    lines = [[line for line in block.splitlines() if not line.startswith("|-")] for block in blocks]
    return [[line.strip("|").split("|") for line in rows] for rows in lines]


def find_numbers(words):
    """Return the numbers that a text writes in digits.

    Those in code, addresses and links are left out.
    """
    plain = re.sub(r"<http[^>]*>", "", LINK.sub("]", INLINE.sub("", words)))
    return re.findall(r"\d+(?:[,.]\d+)*", plain)


@twins
def test_the_text_has_the_numbers_of_the_english_one(page, english):
    assert sorted(set(find_numbers(prose(english))) - set(find_numbers(prose(page)))) == []


@twins
def test_the_text_has_the_minutes_of_the_english_one(page, english):
    written = re.findall("|".join(MINUTES), " ".join(prose(english).split()))
    assert sorted(re.findall("十五分钟|十分钟", prose(page))) == sorted(MINUTES[words] for words in written)


@twins
def test_the_links_lead_to_the_same_places(page, english):
    ours = {find_target(*link) for link in links(page)} - {(english, None)}
    theirs = {find_target(*link) for link in links(english)} - {(english, None)}
    assert ours == theirs


def find_target(path, anchor):
    """Return a link's English file and the number of its heading."""
    return TWINS.get(path, path.replace("-zh.png", ".png")), anchors(path).index(anchor) if anchor else None


@chinese
def test_the_links_prefer_chinese_pages(page):
    english_pages = {path for path, _ in links(page)} & set(CHINESE_OF)
    assert english_pages == {TWINS[page]}


@chinese
def test_links_to_english_pages_say_so(page):
    marked = re.findall(r"\]\((?!http)([^)#]+\.md)[^)]*\)(（英文）)?", prose(page))
    paths = {(relative((ROOT / page).parent / target), bool(mark)) for target, mark in marked}
    assert [path for path, mark in paths if mark == (path in TWINS) and path != TWINS[page]] == []


@pytest.mark.parametrize("page", CONSOLES)
def test_the_names_in_the_consoles_are_all_there(page):
    steps = prose(TWINS[page]).partition("\n## ")[2]
    console_names = re.findall(rf"[A-Za-z-]*[{HAN}][{HAN}A-Za-z-]*", steps)
    assert len(console_names) > 5
    assert [name for name in console_names if name not in prose(page)] == []


# The words of the portal


@cache
def read_translations():
    """Return the portal's texts in Chinese, by the English ones."""
    with (ROOT / "translations/zh/LC_MESSAGES/messages.po").open("rb") as file:
        catalog = read_po(file, locale="zh")
    return {pick_first(message.id): pick_first(message.string) for message in catalog if message.id}


def pick_first(forms):
    """Return a text, or the first of its plural forms."""
    return forms if isinstance(forms, str) else forms[0]


def find_quoted_names(page):
    """Return the buttons and pages that a page names."""
    return {name for place in re.findall("「([^」]*)」", prose(page)) for name in place.split(" → ")}


@chinese
def test_the_buttons_and_pages_it_names_are_called_so_in_chinese(page):
    assert sorted(find_quoted_names(page) - set(read_translations().values())) == []


@twins
def test_it_names_the_buttons_and_pages_of_the_english_page(page, english):
    english_names = {name for place in italics(english) for name in place.split(" → ")}
    assert {read_translations()[name] for name in english_names} <= find_quoted_names(page)


def test_the_table_names_the_administrators_pages_in_chinese():
    rows = table("docs/zh/administration.md", "页面")
    assert [row[0] for row in rows] == [read_translations()[str(name)] for name in layout.PAGES.values()]


@pytest.mark.parametrize(
    ("page", "heading", "separator"),
    [("docs/administration.md", "column", ", "), ("docs/zh/administration.md", "列", "、")],
)
def test_the_columns_of_an_import_are_called_so(page, heading, separator):
    rows = table(page, heading)
    written = [name.lower() for row in rows for name in row[0].split(separator)]
    columns = [column for column, headings in csv_headings.HEADINGS.items() for name in written if name in headings]
    assert len(written) == len(columns)
    assert set(columns) == set(csv_headings.HEADINGS)


@chinese
def test_the_words_are_those_of_the_word_list(page):
    assert re.findall(NOT_OUR_WORDS, text(page)) == []


# How Chinese is set


@chinese
def test_blanks_part_chinese_from_latin_and_nothing_else(page):
    for line in read_lines(page):
        plain = re.sub("“[^”]*”", "“”", line)  # a console's names are written as there
        assert not re.search(rf"[{HAN}][A-Za-z0-9`]|[A-Za-z0-9`][{HAN}]", plain), line
        assert not re.search(rf"[{HAN}」”）。，：；、] +[{HAN}「“（]", line), line


@chinese
def test_marks_beside_chinese_are_chinese(page):
    for line in read_lines(page):
        assert not re.search(rf"[{HAN}」”）`] *[,;:!?()]|[,;:!?()] *[{HAN}「“（]", line), line


def read_lines(page):
    """Return a page's lines without links and marks for bold."""
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", prose(page))
    return plain.replace("**", "").splitlines()


@chinese
def test_a_line_within_a_paragraph_ends_with_a_mark(page):
    """Browsers show the end of a line as a blank.

    Beside a mark of Chinese the blank can't be seen.
    """
    lines = prose(page).splitlines()
    for line, following in zip(lines, lines[1:], strict=False):
        continued = line and re.match(r" *[^\s|#!<\-\d*]", following) and not line.startswith(("#", "|", "!"))
        assert not continued or line.endswith(tuple(ENDS_OF_LINES)), line
