"""A test group that must run is never skipped silently."""

import os
import subprocess
import sys

import pytest
from support.groups import GROUPS
from support.portal_app import ROOT


@pytest.fixture
def run(tmp_path):
    """Return a function that runs pytest on a sample."""

    def pytest_on(body, must_run="", **environ):
        file = tmp_path / "test_sample.py"
        file.write_text(f"import pytest\nfrom conftest import report_missing\n\n{body}")
        command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pytest.ini"), "--rootdir", str(ROOT)]
        return subprocess.run(
            [*command, "-p", "conftest", "-p", "no:cacheprovider", str(file)],
            cwd=ROOT,
            env={**os.environ, "PORTAL_MUST_RUN": must_run, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **environ},
            capture_output=True,
            text=True,
        )

    return pytest_on


SKIPPED = "@pytest.mark.browser\ndef test_page():\n    report_missing('browser', 'Chromium is not installed')\n"
PLAIN = "def test_plain():\n    assert True\n"


def test_a_missing_part_is_skipped_with_its_reason(run):
    done = run(SKIPPED + PLAIN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout


def test_a_missing_part_that_is_due_fails(run):
    done = run(SKIPPED + PLAIN, must_run="browser")
    assert done.returncode == 1
    assert "Chromium is not installed, but PORTAL_MUST_RUN names browser" in done.stdout


@pytest.mark.parametrize("group", GROUPS)
def test_a_due_group_of_which_no_test_ran_fails(run, group):
    done = run(PLAIN, must_run=group)
    assert done.returncode == 1
    assert f"no test passed of the group: {group}" in done.stdout


def test_a_due_group_that_ran_passes(run):
    done = run("@pytest.mark.browser\ndef test_page():\n    assert True\n", must_run="browser")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_group_is_refused(run):
    assert run(PLAIN, must_run="browsers").returncode == 4


@pytest.mark.parametrize("allows_mounts", [True, False])
def test_ci_says_which_group_it_does_not_ask_for(tmp_path, allows_mounts):
    """The script itself runs.

    Programs that would change this machine, or take long, do nothing.
    """
    programs = {"apt-get": "exit 0", "mount": f"exit {int(not allows_mounts)}", "umount": "exit 0"}
    programs["make"] = 'echo "$1 $PORTAL_MUST_RUN"'
    for name, body in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / ".ci/run"], env=environ, capture_output=True, text=True)
    due = GROUPS if allows_mounts else GROUPS[:-1]
    assert done.stdout == "".join(f"{target} {','.join(due)}\n" for target in (".venv/jupyterhub.done", "lint", "test"))
    said = "" if allows_mounts else "NOT TESTED: full disks, because this machine forbids mounts\n"
    assert (done.returncode, done.stderr) == (0, said)


def test_ci_asks_for_every_group():
    text = (ROOT / ".ci/run").read_text()
    assert f"PORTAL_MUST_RUN={','.join(GROUPS)}\n" in text
    for package in ("chromium", "postgresql", "redis-server", "pgbouncer", "nodejs", "npm"):
        assert package in text
    for package in ("nginx", "caddy", "systemd", "prometheus", "haproxy"):
        assert f"missing+=({package})" in text
