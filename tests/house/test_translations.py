"""Every English text has its Chinese."""

import gettext
import re
from pathlib import Path

import pytest
from babel.messages import extract, frontend
from babel.messages.pofile import read_po
from support.portal_app import ROOT

PO = ROOT / "translations/zh/LC_MESSAGES/messages.po"
OTHER_WORDS = re.compile(
    "解除绑定|审计|参考编号|平台用户 ID|登陆|帐号|帐户"
)  # for 解绑, 操作日志, 参考号, 成员 ID, 登录, 账号


@pytest.fixture(scope="module")
def texts():
    """Every text the code and templates show."""
    with (ROOT / "translations/babel.cfg").open() as file:
        methods = frontend.parse_mapping_cfg(file)[0]
    extracted = extract.extract_from_dir(ROOT, methods, directory_filter=lambda path: Path(path).name[0] not in "._")
    return {message for _, _, message, _, _ in extracted}


def list_forms(string):
    """Return a translation's forms.

    Chinese has one, whatever the number.
    """
    return string if isinstance(string, (tuple, list)) else [string]


@pytest.fixture(scope="module")
def chinese():
    with PO.open("rb") as file:
        return read_po(file, locale="zh")


def test_no_translation_is_missing_or_fuzzy(texts, chinese):
    assert len(texts) > 90
    missing = [text for text in texts if text not in chinese or not all(list_forms(chinese[text].string))]
    assert sorted(missing, key=str) == []
    assert [message.id for message in chinese if message.id and message.fuzzy] == []


def test_no_translation_is_left_over(texts, chinese):
    assert [message.id for message in chinese if message.id and message.id not in texts] == []
    assert not chinese.obsolete


def test_placeholders_are_the_same(chinese):
    assert [(message.id, error) for message in chinese for error in message.check()] == []


def test_chinese_has_one_word_for_a_thing(chinese):
    forms = [form for message in chinese if message.id for form in list_forms(message.string)]
    assert [form for form in forms if OTHER_WORDS.search(form)] == []


def test_what_is_installed_is_what_is_written(chinese):
    with PO.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in chinese:
        if isinstance(message.id, tuple):
            translations = [compiled.ngettext(*message.id, number) for number in (1, 2, 0)]
            assert translations == 3 * [list_forms(message.string)[0]]
        elif message.id:
            context = message.context
            translated = compiled.pgettext(context, message.id) if context else compiled.gettext(message.id)
            assert translated == message.string


@pytest.mark.parametrize(
    ("asked", "lang", "heading"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", "<h1>登录</h1>"),
        ("en-GB,zh;q=0.5", "en", "<h1>Sign in</h1>"),
        ("fr,zh-TW;q=0.5", "zh-CN", "<h1>登录</h1>"),
        ("fr", "en", "<h1>Sign in</h1>"),
    ],
)
def test_the_browsers_language_comes_first(client, asked, lang, heading):
    page = client.get("/login", headers={"Accept-Language": asked}).text
    assert f'<html lang="{lang}">' in page
    assert heading in page


def test_a_chosen_language_is_kept(client):
    answer = client.post_form("/language", language="zh", next="/login?via=QywxInnerExample")
    assert (answer.status_code, answer.location) == (303, "/login?via=QywxInnerExample")
    assert '<html lang="zh-CN">' in client.get("/login", headers={"Accept-Language": "en"}).text
    assert client.post_form("/language", language="xx", next="//evil.example").location == "/"
    assert '<html lang="zh-CN">' in client.get("/login").text
