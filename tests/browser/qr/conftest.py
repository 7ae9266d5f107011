"""Portals with Feishu logins, and a sandbox in its first state."""

import pytest
from support.portal_app import QR_SCRIPT
from support.postgres import find_free_port
from support.qr_page import REAL


def add_feishu_logins(elements):
    script = f"{elements.sandbox.site_url}{QR_SCRIPT}"
    elements.feishu("Older", qrSdkUrl=script.replace("1.0.3", "1.0.2"))
    elements.feishu("Second")
    elements.feishu("Unreachable", qrSdkUrl=f"http://localhost:{find_free_port()}/sdk.js")
    elements.feishu("Real", passportBaseUrl=REAL)


@pytest.fixture(scope="module")
def site(run_site):
    return run_site()


@pytest.fixture(scope="module")
def many(run_site):
    """A portal with several Feishu logins."""
    return run_site(add=add_feishu_logins)


@pytest.fixture(autouse=True)
def clean_sandbox(sandbox_process):
    sandbox_process.reset()
