"""The tables of settings, keys, methods, numbers and knobs are complete and true."""

import inspect
import re

import pytest
from support.docs_pages import inline_code, names, table, tables, text
from support.portal_app import FEISHU_APP, ROOT, WECOM_APP

import config
import sandbox
from portal import errors
from portal.elements import FSInnerType, QywxInnerType

SETTINGS, ELEMENTS, API = "docs/settings.md", "docs/elements.md", "docs/login-page-api.md"
TYPES = {FSInnerType: FEISHU_APP, QywxInnerType: {**WECOM_APP, "redirectUri": "http://127.0.0.1:8000/callback"}}


class Recorded(dict):
    """An element file's keys that notes each one that is looked at."""

    def __init__(self, keys):
        super().__init__(keys)
        self.asked = set()

    def __contains__(self, key):
        self.asked.add(key)
        return super().__contains__(key)

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)


@pytest.fixture
def keys_read(make_portal):
    """Return the keys that the two Types look at in their elements' files."""
    portal = make_portal(PORTAL_BASE_URL="http://127.0.0.1:8000")
    found = set()
    for cls, keys in TYPES.items():
        recorded = Recorded(keys)
        with portal.app_context():
            cls(portal, "Recorded", "Recorded", recorded)
        found |= recorded.asked
    return found


def test_every_setting_is_in_the_table_and_nothing_else():
    assert [name for row in table(SETTINGS, "name") for name in names(row[0])] == list(config.SETTINGS)


@pytest.mark.parametrize("name", config.SETTINGS)
def test_defaults_in_the_table_are_the_real_ones(name):
    [row] = [row for row in table(SETTINGS, "name") if row[0] == f"`{name}`"]
    default = config.SETTINGS[name].default
    if default is not None and name != "PORTAL_APP_DIR":
        assert row[1] == f"`{default}`"


def test_every_element_key_is_in_the_tables_and_nothing_else(keys_read):
    assert len(keys_read) > 20
    assert {key for row in tables(ELEMENTS, "key") for key in names(row[0])} == keys_read


def test_every_method_is_in_the_table_with_its_parameters():
    rows = [re.fullmatch(r"`(\w+)\((.*)\)`", row[0]).groups() for row in table(ELEMENTS, "method")]
    for name, written in rows:
        method = getattr(FSInnerType, name)
        parameters = [str(parameter) for parameter in inspect.signature(method).parameters.values()]
        plain = [re.sub(r": [^=]+", "", each).replace(" ", "").replace("'", '"') for each in parameters]
        assert written == ", ".join(each for each in plain if each not in ("self", "**kwargs")), name
    public = {name for cls in (FSInnerType, QywxInnerType) for name in dir(cls) if re.match("(get|sync)[A-Z]", name)}
    assert {name for name, _ in rows} == public


def test_every_error_number_is_in_the_table():
    rows = [(row[0], row[1], row[2]) for row in table(API, "number")]
    known = {value: name for name, value in vars(errors).items() if name.isupper() and type(value) is int}
    assert rows == [
        (str(number), f"`{known[number]}`", str(meaning.status)) for number, meaning in sorted(errors.MEANINGS.items())
    ]


def test_every_knob_of_the_sandbox_is_in_the_table():
    rules = {rule.rule for rule in sandbox.create_app().url_map.iter_rules() if rule.rule.startswith("/_sandbox/")}
    named = {path for path in inline_code("docs/sandbox.md") if path.startswith("/_sandbox/") and path != "/_sandbox/"}
    assert named == {rule for rule in rules if "<" not in rule}


def test_numbers_of_the_platforms_are_known_to_the_portal_or_its_tests():
    """Each number in the platforms' tables means something to the code that reads the platform's answers."""
    for page, folder in (("docs/feishu.md", "feishu"), ("docs/wecom.md", "wecom")):
        sources = [*(ROOT / "portal/elements" / folder).rglob("*.py"), *(ROOT / "sandbox" / folder).rglob("*.py")]
        code = "".join(file.read_text(encoding="utf-8") for file in sources)
        for row in table(page, "number"):
            for number in re.findall(r"\d{4,}", row[0]):
                assert number in code, number


def test_the_pages_of_the_platforms_use_no_other_keys(keys_read):
    for page in ("docs/feishu.md", "docs/wecom.md"):
        used = set(re.findall(r'"(\w+)":', text(page))) - {"title", "type"}
        assert used <= keys_read
