"""The version is named where an operator looks for it."""

import re

from support.admin_client import sign_in_administrator
from support.portal_app import ROOT, both_databases

import portal as package


def test_the_command_names_version_and_tables(portal):
    done = portal.test_cli_runner().invoke(args=["version"])
    newest = max(path.name[:4] for path in (ROOT / "migrations/versions").glob("0*.py"))
    assert done.output == f"Login portal {package.__version__}, tables {newest}\n"


@both_databases
def test_administrators_pages_name_it_in_their_footer(portal):
    page = sign_in_administrator(portal).get("/admin/accounts").text
    assert f'<footer class="foot">Version {package.__version__}</footer>' in page


def test_other_pages_do_not_name_it(client):
    assert "Version" not in client.get("/login").text
    assert "<footer" not in client.sign_in(next="/account").text + client.get("/account").text


def test_the_changelog_has_the_release():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(package.__version__)} - \d{{4}}-\d\d-\d\d", headings[1])
