"""Portals with logins of both platforms, opened in their clients as Bob."""

import pytest
from support.in_app_page import CLIENT


def add_logins(elements):
    elements.feishu("SecondFeishu")
    elements.wecom("SecondWecom", redirectUri=f"{elements.base}/login/SecondWecom/callback")
    elements.wecom("Consent", scope="snsapi_privateinfo", redirectUri=f"{elements.base}/login/Consent/callback")


@pytest.fixture(scope="module")
def site(run_site):
    return run_site()


@pytest.fixture(scope="module")
def many(run_site):
    """A portal with several logins of each platform."""
    return run_site(add=add_logins)


@pytest.fixture(autouse=True)
def clean_sandbox(sandbox_process):
    sandbox_process.reset()
    for provider in ("feishu", "wecom"):
        sandbox_process.client(provider, "bob")


@pytest.fixture
def client(browse):
    """Return a function that opens a page in a platform's client: `client("wecom")`."""
    return lambda platform, **options: browse(user_agent=CLIENT[platform], **options)
