"""The README is true: every setting and element key is in it, and its example works."""

import re

import pytest
from support.portal_app import ROOT

import config

README = (ROOT / "README.md").read_text(encoding="utf-8")
READ = re.compile(
    r"self\.(?:text|choice|flag|address|settings\.get)\(\s*\"(\w+)\"|\"(\w+)\" (?:not )?in self\.settings"
)
ADDRESSES = {"openBaseUrl", "accountsBaseUrl", "passportBaseUrl"}  # read in a loop over the platform's own table


def rows():
    """Return the first cell of every table row."""
    return [line.split("|")[1] for line in README.splitlines() if line.startswith("| `")]


def keys_read(file):
    text = (ROOT / "portal/elements" / file).read_text(encoding="utf-8")
    return {key for pair in READ.findall(text) for key in pair if key}


def test_every_setting_is_in_the_table_and_nothing_else():
    named = {name for row in rows() for name in re.findall(r"PORTAL_\w+", row)}
    assert named == set(config.SETTINGS)


@pytest.mark.parametrize("name", config.SETTINGS)
def test_defaults_in_the_table_are_the_real_ones(name):
    [line] = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    default = config.SETTINGS[name].default
    if default is not None and name != "PORTAL_APP_DIR":
        assert line.split("|")[2].strip() == f"`{default}`"


def test_every_element_key_is_in_the_tables():
    read = keys_read("meta.py") | keys_read("fs_inner.py") | keys_read("qywx_inner.py") | ADDRESSES
    assert len(read) > 20
    named = {key for row in rows() for key in re.findall(r"`(\w+)`", row)}
    assert sorted(read - named) == []
    assert sorted(key for key in named if not key.startswith("PORTAL_") and key not in read) == []


def test_the_own_type_of_the_readme_works(elements, make_portal):
    code = re.search(r"```python\n# auths/loginTypes/Staff/__init__.py\n(.*?)```", README, re.DOTALL)[1]
    folder = elements.folder / "Staff"
    folder.mkdir()
    (folder / "e.json").write_text('{"title": "Staff", "type": "auths.loginTypes.FSInnerType"}')
    (folder / "__init__.py").write_text(code)
    elements.feishu("Engineers", type="Staff")
    client = make_portal().test_client()
    assert client.sign_in("Engineers", "alice").status_code == 303
    assert client.session().json["identity"]["name"] == "Alice Johnson"


def test_every_file_it_names_is_there():
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_commands_it_names_exist(portal):
    named = set(re.findall(r"`?flask ([a-z-]+)", README))
    assert named >= {"create-admin", "db", "sandbox", "shell"}
    builtin = {"shell", "run", "routes"}
    assert named - builtin - set(portal.cli.commands) == set()
