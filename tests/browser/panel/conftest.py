"""Portals with WeCom logins, and a sandbox in its first state."""

import pytest
from support.postgres import find_free_port


def add_wecom_logins(elements):
    elements.wecom("Unreachable", loginBaseUrl=f"http://localhost:{find_free_port()}")
    elements.wecom("LinkOnly", panel=False)


@pytest.fixture(scope="module")
def site(run_site):
    return run_site()


@pytest.fixture(scope="module")
def many(run_site):
    """A portal with several WeCom logins."""
    return run_site(add=add_wecom_logins)


@pytest.fixture(autouse=True)
def clean_sandbox(sandbox_process):
    sandbox_process.reset()
