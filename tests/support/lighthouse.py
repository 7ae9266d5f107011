"""Lighthouse, which scores a page as a phone on a slow network has it."""

import json
import os
import subprocess

import pytest
from support.chromium import CHROMIUM
from support.groups import report_missing
from support.portal_app import ROOT

LIGHTHOUSE = ROOT / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = ("performance", "accessibility", "best-practices")
TRIES = 5
# How Lighthouse begins a failure of its own: it lost sight of the browser, and has no opinion of the page.
NO_VERDICT = "Runtime error encountered"


class Report:
    """What Lighthouse says of a page."""

    def __init__(self, told):
        self.told = told
        self.address = told["finalDisplayedUrl"]

    @property
    def scores(self):
        """Return the points of each category, 100 at most."""
        return {name: round(self.told["categories"][name]["score"] * 100) for name in CATEGORIES}

    @property
    def faults(self):
        """Return what costs points, each with its own score."""
        references = (ref for name in CATEGORIES for ref in self.told["categories"][name]["auditRefs"])
        audits = (self.told["audits"][ref["id"]] for ref in references if ref["weight"])
        costly = (audit for audit in audits if audit["score"] is not None and audit["score"] < 0.9)
        return [f"{audit['id']} ({audit['score']}): {audit.get('displayValue') or audit['title']}" for audit in costly]


@pytest.fixture(scope="session")
def lighthouse(browser, tmp_path_factory):
    """Return a function that examines an address, with some cookies."""
    if not LIGHTHOUSE.exists():
        report_missing("node", "Lighthouse is not installed")
    folder = tmp_path_factory.mktemp("lighthouse")

    def examine(address, cookies=()):
        headers, report = folder / "headers.json", folder / "report.json"
        pairs = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)
        headers.write_text(json.dumps({"Cookie": pairs} if pairs else {}))
        command = ["node", str(LIGHTHOUSE), address, "--quiet", "--no-enable-error-reporting"]
        command += [f"--only-categories={','.join(CATEGORIES)}", f"--extra-headers={headers}"]
        command += ["--output=json", f"--output-path={report}"]
        command += ["--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-background-networking"]
        environ = {**os.environ, "CHROME_PATH": str(CHROMIUM)}
        for _ in range(TRIES):
            done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=240)
            if NO_VERDICT not in done.stderr:
                break
        assert done.returncode == 0, done.stderr
        return Report(json.loads(report.read_text()))

    return examine
