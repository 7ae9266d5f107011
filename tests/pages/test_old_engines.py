"""Our scripts need nothing newer than Chromium 80."""

import json
import shutil
import subprocess

import pytest
from support.groups import report_missing
from support.portal_app import ROOT

pytestmark = pytest.mark.node
LANGUAGE = 2019  # the edition of ECMAScript
NEWER_METHODS = {
    *("replaceChildren", "replaceAll", "at", "hasOwn", "structuredClone", "any", "withResolvers", "fromAsync"),
    *("findLast", "findLastIndex", "toSorted", "toReversed", "toSpliced", "groupBy", "isWellFormed", "try"),
    *("randomUUID", "WeakRef", "FinalizationRegistry", "AggregateError", "Segmenter", "userAgentData", "globalThis"),
    *("canParse", "timeout", "checkVisibility", "togglePopover", "showPopover", "hidePopover", "moveBefore"),
    *("getAnimations", "startViewTransition", "setHTML", "scheduler", "matchAll", "allSettled", "requestSubmit"),
}


def parse(*files):
    if shutil.which("node") is None:
        report_missing("node", "Node is not installed")
    if not (ROOT / "node_modules" / "acorn").is_dir():
        report_missing("node", "npm has not installed acorn")
    command = ["node", str(ROOT / "tests" / "support" / "parse_scripts.js"), str(LANGUAGE), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_old_engines_can_read_every_script():
    files = sorted((ROOT / "static" / "js").rglob("*.js"))
    assert len(files) > 5
    scripts = parse(*files)
    assert scripts["faults"] == {}
    assert {file: used for file, names in scripts["names"].items() if (used := NEWER_METHODS.intersection(names))} == {}


@pytest.mark.parametrize("script", ["a ??= 1", "a?.b", "a ?? b", "class A { #b }", "1_000", "await import('x')"])
def test_newer_syntax_is_found(tmp_path, script):
    (tmp_path / "x.js").write_text(script)
    assert parse(tmp_path / "x.js")["faults"] != {}


def test_newer_methods_are_found(tmp_path):
    (tmp_path / "x.js").write_text("box.replaceChildren()")
    assert "replaceChildren" in parse(tmp_path / "x.js")["names"][str(tmp_path / "x.js")]
