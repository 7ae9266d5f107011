"""A portal, an application that echoes, and each proxy in front of it."""

import pytest
from support.gate_proxies import PROXIES
from support.gate_site import Gate, run_gate_site


def pytest_generate_tests(metafunc):
    """Run each test at all proxies, or at those that its module names in `GATES`."""
    if "gate" in metafunc.fixturenames:
        titles = getattr(metafunc.module, "GATES", PROXIES)
        chosen = [pytest.param(title, marks=getattr(pytest.mark, PROXIES[title].group)) for title in titles]
        metafunc.parametrize("gate", chosen, indirect=True, scope="module")


@pytest.fixture(scope="module")
def gate_site(tmp_path_factory, sandbox_process, sqlite_template):
    """A portal with SQLite, for a module."""
    folder = tmp_path_factory.mktemp("gate")
    database = f"sqlite:///{folder / 'portal.db'}"
    with run_gate_site(folder, sandbox_process, database, PORTAL_TRUSTED_PROXIES="1") as site:
        yield site


@pytest.fixture(scope="module")
def gate(request, gate_site):
    """The applications behind one proxy."""
    return Gate(gate_site, request.param)
