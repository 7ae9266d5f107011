"""Groups of tests that need a part some machines lack."""

import os

import pytest

GROUPS = ("browser", "postgresql", "redis", "pgbouncer", "clone", "node", "nginx", "caddy", "systemd", "prometheus")
GROUPS += ("traefik", "haproxy", "envoy", "jupyterhub", "mount")
MUST_RUN = [name for name in os.environ.get("PORTAL_MUST_RUN", "").split(",") if name]


def report_missing(group, what):
    """Skip the test, or fail if its group must run."""
    if group in MUST_RUN:
        pytest.fail(f"{what}, but PORTAL_MUST_RUN names {group}")
    pytest.skip(what)


class Groups:
    """Counts the tests that have passed in each group.

    It counts those of all processes.
    """

    def __init__(self):
        self.ran = dict.fromkeys(GROUPS, 0)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            for name in GROUPS:
                self.ran[name] += name in report.keywords

    def pytest_sessionfinish(self, session, exitstatus):
        silent = [name for name in MUST_RUN if not self.ran[name]]
        if silent and exitstatus in (0, 5):
            session.config.get_terminal_writer().line(f"\nno test passed of the group: {', '.join(silent)}", red=True)
            session.exitstatus = 1
