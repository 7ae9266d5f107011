"""The columns of an uploaded file and their meanings."""

import unicodedata
from collections.abc import Mapping
from itertools import islice

from portal.bindings import csv_files
from portal.bindings.csv_keys import KEYS
from portal.text import LONGEST, username_key

MOST_LINES = 100_000
HEADINGS = {  # column -> how files call it; the first two are the template's
    "username": ("username", "用户名", "account", "账号", "帐号", "账户", "登录名"),
    "employee_number": ("employee number", "工号", "employee no", "employee no.", "employee id", "员工编号"),
    "email": ("e-mail", "邮箱", "email", "mail", "电子邮箱", "企业邮箱", "邮件"),
    "mobile": ("mobile", "手机号", "phone", "mobile number", "手机", "手机号码", "电话"),
    "provider": ("platform", "平台", "provider"),
    "provider_id": (
        "platform id",
        "成员 id",
        "平台用户 id",
        "provider id",
        "user id",
        "userid",
        "平台id",
        "平台用户id",
        "用户id",
    ),
    "name": ("name", "姓名", "名字"),
    "role": ("role", "角色"),
}
ROLE_WORDS = {
    "用户": "user",
    "普通用户": "user",
    "成员": "user",
    "管理员": "admin",
    "administrator": "admin",
}


class BadFile(ValueError):
    """The file can't be used.

    :param why: `empty`, `too_long`, `twice`, `no_username`, `no_key`, or as in `csv_files.UnreadableFile`.
    :param line: the number of the line it is about, if there is one.
    """

    def __init__(self, why: str, line: int | None = None):
        super().__init__(why)
        self.why, self.line = why, line


def check_file(content: bytes) -> tuple[list[str | None], list[str]]:
    """Return the columns of a file, and its unused headings.

    No line is kept.

    :raises BadFile: saying why the file can't be used.
    """
    lines = csv_files.read_rows(content)
    try:
        columns, unused = understand_headings(next(lines, (1, []))[1])
        number = sum(1 for _ in islice(lines, MOST_LINES + 1))
    except csv_files.UnreadableFile as error:
        raise BadFile(error.why, error.line) from None
    if number > MOST_LINES:
        raise BadFile("too_long")
    if not number:
        raise BadFile("empty")
    return columns, unused


def understand_headings(headings: list[str]) -> tuple[list[str | None], list[str]]:
    """Return the column of each heading, and the unused headings.

    :raises BadFile: `twice`, `no_username` or `no_key`.
    """
    by_word = {fold_word(name): column for column, names in HEADINGS.items() for name in (*names, column)}
    columns = [by_word.get(fold_word(heading)) for heading in headings]
    used = [column for column in columns if column]
    if len(used) != len(set(used)):
        raise BadFile("twice")
    if "username" not in used:
        raise BadFile("no_username")
    if not {*KEYS, "name", "role"}.intersection(used):
        raise BadFile("no_key")
    return columns, [heading[:60] for heading, column in zip(headings, columns, strict=True) if heading and not column]


def list_words(platforms: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the words that cells of some columns may use.

    :param platforms: what a file may call a provider -> the provider.
    :return: column -> folded word -> its meaning.
    """
    return {"provider": {fold_word(word): provider for word, provider in platforms.items()}, "role": ROLE_WORDS}


def fold_word(word: str) -> str:
    """Return the form in which headings and words are compared.

    Neither case nor width matter.
    """
    return " ".join(unicodedata.normalize("NFKC", word).replace("_", " ").casefold().split())


def to_row(line: int, columns: list[str | None], cells: list[str], words: dict[str, dict[str, str]]) -> dict:
    """Return the columns of an `ImportRow`.

    A cell that is too long keeps as much as shows that it is.

    :param words: as :func:`list_words` returns them.
    """
    pairs = zip(columns, cells, strict=False)
    texts = {column: cell[: LONGEST + 1] for column, cell in pairs if column and cell}
    for column, meanings in words.items():
        if column in texts:
            texts[column] = meanings.get(fold_word(texts[column]), texts[column].casefold())[: LONGEST + 1]
    return {"line": line, "cells": texts, "username": username_key(texts.get("username", ""))}
