"""`make bench` ends and prints its figures.

No test checks how fast that is.
"""

import os
import subprocess
import sys

from support.portal_app import ROOT

SMALL = "--people 60 --departments 6 --many-people 120 --many-departments 12 --rounds 1".split()
SMALL += "--provider wecom --database sqlite".split()
MEASURED = (
    "as fast as one call at a time",
    "wall against wechatpy",
    "cpu against wechatpy",
    "memory against wechatpy",
    "first sync against the floor",
    "unchanged second sync against the floor",
    "rows the second sync writes | 0 | ≤ 0 | ✓",
    "peak memory against 60 people",
)


def test_the_directory_sync_is_measured_against_what_bounds_it():
    command = [sys.executable, "-m", "bench", "sync", *SMALL]
    environ = {**os.environ, "PYTHONPATH": f".{os.pathsep}tests"}
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)

    assert ended.returncode == 0, ended.stderr
    table = [line for line in ended.stdout.splitlines() if line.startswith("| WeCom")]
    for what in MEASURED:
        assert any(what in line for line in table), what
    assert "cores" in ended.stdout.splitlines()[-1]


def test_the_bindings_page_is_measured_against_its_statements_and_an_empty_page():
    command = [sys.executable, "-m", "bench", "bindings", "--people", "600", "--departments", "40", "--times", "1"]
    environ = {**os.environ, "PYTHONPATH": f".{os.pathsep}tests"}
    ended = subprocess.run(
        [*command, "--database", "sqlite"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300
    )

    assert ended.returncode == 0, ended.stderr
    for what in ("the whole table", "a department", "search for 明伟", "filter “suggested”"):
        for company in ("nearly all bound", "nobody bound"):
            assert f"| SQLite, {company}: {what}" in ended.stdout
