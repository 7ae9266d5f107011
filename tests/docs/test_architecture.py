"""The architecture page follows the code."""

import ast
import re

import pytest
from support.docs_pages import text
from support.portal_app import ROOT

import portal

PAGE = text("docs/architecture.md")
STEPS = re.findall(r"^\| \d+ \| `(portal/[\w/]+\.py)` \| `(\w+)\(\)` \|", PAGE, re.MULTILINE)


def test_there_are_four_walks():
    assert len(re.findall("^## Walk", PAGE, re.MULTILINE)) == 4
    assert len(STEPS) > 45


@pytest.mark.parametrize(("file", "function"), STEPS)
def test_each_step_is_a_function_of_its_file(file, function):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_map_has_the_rooms_in_their_order():
    section = PAGE.partition("## The map")[2].partition("## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    rooms = [room for row in rows for room in re.findall(r"`([a-z]+)/?`", row)]
    assert rooms == re.findall(r"^    ([a-z]+)/?  ", portal.__doc__, re.MULTILINE)
