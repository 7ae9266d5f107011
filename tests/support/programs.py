"""Programs of this machine that read the files of `deploy/`."""

import os
import shutil
import subprocess

from support.groups import report_missing
from support.portal_app import ROOT


def run(*words, cwd=ROOT, **variables):
    """Run a program, without the settings of a portal."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, env={**clean, **variables}, capture_output=True, text=True, timeout=120
    )


def need(program, group, package):
    """Return a program's path, or skip the test."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None:
        report_missing(group, f"{package} is not installed")
    return path
