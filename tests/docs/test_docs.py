"""The pages hold together: links, pictures, and every name in them leads somewhere."""

import re
from urllib.parse import urlsplit

import pytest
from babel.messages.pofile import read_po
from support.docs_pages import anchors, inline_code, italics, links, pages, prose, table, text
from support.groups import GROUPS
from support.portal_app import ROOT
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

import config
import sandbox

PICTURES = ROOT / "docs" / "pictures"
MACHINE = ("/etc/", "/opt/", "/usr/", "/var/")  # begin paths of a machine, not of the portal
CHECKED_FOLDERS = ("bench", "deploy", "docs", "jit", "migrations", "portal", "sandbox", "static", "templates", "tests")
EXAMPLES = {"<Name>": "FSInnerExample", "Feishu": "FSInnerExample", "WeCom": "QywxInnerExample"}
BUILTIN = {"shell", "run", "routes"}  # commands that Flask itself brings
ENGLISH = [page for page in pages() if "zh" not in page]


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_to_a_file_and_a_heading(page):
    for path, anchor in links(page):
        assert (ROOT / path).exists(), path
        assert not anchor or anchor in anchors(path), f"{path}#{anchor}"


def test_every_page_can_be_reached_from_the_readmes():
    reached, ahead = set(), ["README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        ahead += [path for path, _ in links(page) if path.endswith(".md") and path not in reached]
    assert reached == set(pages())


def test_every_picture_is_shown_by_a_page():
    shown = {path for page in pages() for path, _ in links(page) if path.endswith(".png")}
    assert shown == {path.relative_to(ROOT).as_posix() for path in PICTURES.iterdir()}


@pytest.mark.parametrize("page", pages())
def test_a_page_shows_pictures_of_its_own_language(page):
    shown = [path for path, _ in links(page) if path.endswith(".png")]
    assert [path for path in shown if path.endswith("-zh.png") != ("zh" in page)] == []


def test_the_readme_is_short():
    assert len(text("README.md").splitlines()) <= 120
    assert len(text("README.md").split()) <= 1000


@pytest.mark.parametrize("page", pages())
def test_lines_outside_tables_are_not_too_long(page):
    long = [line for line in text(page).splitlines() if len(line) > 120 and not line.startswith("|")]
    assert page == "CHANGELOG.md" or long == []


# Names


@pytest.mark.parametrize("page", ENGLISH)
def test_every_setting_a_page_names_exists(page):
    known = {*config.SETTINGS, "PORTAL_MUST_RUN"}
    assert set(re.findall(r"PORTAL_[A-Z_]+[A-Z]", text(page))) - {f"{name}_FILE" for name in known} <= known


@pytest.mark.parametrize("page", pages())
def test_every_flask_command_a_page_names_exists(page, portal):
    commands = portal.cli.commands
    for name, rest in re.findall(r"\bflask ([a-z][a-z-]+)([^`\n|]*)", text(page)):
        assert name in commands or name in BUILTIN, name
        if name in commands:
            options = {option for parameter in commands[name].params for option in parameter.opts}
            assert set(re.findall(r"--[a-z][a-z-]+", rest)) <= options, name


def test_the_options_of_the_sandbox_are_all_in_its_table(portal):
    options = {option for parameter in portal.cli.commands["sandbox"].params for option in parameter.opts}
    rows = table("docs/sandbox.md", "option")
    assert {option for row in rows for option in re.findall("--[a-z-]+", row[0])} == options


def test_the_commands_of_the_portal_are_all_in_the_table(portal):
    rows = table("docs/production.md", "command")
    named = {re.match(r"`flask ([a-z-]+)", row[0])[1] for row in rows}
    assert named == {*portal.cli.commands, "shell"} - {"up"}  # `make run` calls `up`


def make_targets():
    return set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())


@pytest.mark.parametrize("page", pages())
def test_every_make_target_a_page_names_exists(page):
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", text(page), re.MULTILINE)) <= make_targets()


def test_the_make_targets_are_all_in_the_table():
    rows = table("CONTRIBUTING.md", "command")
    assert {row[0].strip("`").removeprefix("make ") for row in rows} == make_targets()


def test_the_groups_of_tests_are_all_in_the_table():
    assert {row[0] for row in table("CONTRIBUTING.md", "group")} == {f"`{name}`" for name in GROUPS}


@pytest.mark.parametrize("page", pages())
def test_every_file_a_page_names_exists(page):
    tops = {path.name for path in ROOT.iterdir() if path.is_file()} | {".ci"}
    for name in inline_code(page):
        path = name.partition(" ")[0]
        top = path.partition("/")[0]
        if "/" in path and top in (*CHECKED_FOLDERS, ".ci") or path in tops:
            assert "<" in path or list(ROOT.glob(path.rstrip("/"))), name


def addresses(page):
    """Yield the paths of the portal and the sandbox that a page names."""
    for name in inline_code(page):
        if re.match(r"/[a-z_]", name) and not name.startswith(MACHINE):
            yield name
        elif name.startswith(("GET /", "POST /")):
            yield name.partition(" ")[2]
    for url in re.findall(r"https?://(?:login\.example\.com|127\.0\.0\.1:\d+)[^\s`\"')>]*", text(page)):
        yield urlsplit(url).path or "/"


@pytest.mark.parametrize("page", pages())
def test_every_address_a_page_names_is_served(page, portal):
    ours = portal.url_map.bind("")
    theirs = sandbox.create_app().url_map.bind("")
    for address in addresses(page):
        path = address
        for placeholder, name in EXAMPLES.items():
            path = path.replace(f"/{placeholder}/", f"/{name}/")
        assert is_served(theirs if path.startswith("/_sandbox/") else ours, path), address


def is_served(routes, path: str) -> bool:
    """Return whether a path is an address, or begins some where it ends with a slash."""
    if path.endswith("/") and any(rule.rule.startswith(path) for rule in routes.map.iter_rules()):
        return True
    try:
        routes.match(path, "GET")
    except MethodNotAllowed:
        return True
    except (NotFound, RequestRedirect):
        return False
    return True


# Words of the pages


WITH_BUTTONS = ["administration", "applications", "directory-sync", "feishu", "wecom", "elements"]
WITH_BUTTONS += ["gate-nginx", "gate-caddy", "gate-traefik", "gate-others"]


@pytest.fixture(scope="module")
def messages():
    with (ROOT / "translations" / "messages.pot").open("rb") as file:
        return {text for message in read_po(file) for text in ([message.id] if message.id else [])}


@pytest.mark.parametrize("page", WITH_BUTTONS)
def test_the_buttons_and_pages_it_names_are_called_so(page, messages):
    named = {words for place in italics(f"docs/{page}.md") for words in place.split(" → ")}
    assert sorted(named - messages) == []


def test_the_table_names_the_administrators_pages(messages):
    from portal.pages.admin import layout

    assert [row[0] for row in table("docs/administration.md", "page")] == [str(name) for name in layout.PAGES.values()]


@pytest.mark.parametrize("page", ENGLISH)
def test_prose_speaks_of_people_users_and_administrators(page):
    found = re.findall(r"\b(somebody|nobody|whoever|whom|whomever)\b", prose(page), re.IGNORECASE)
    assert page == "CHANGELOG.md" or found == []
