"""The sandbox as a platform elsewhere, for portals in production.

They refuse platforms on this machine, except behind a forward proxy.
"""

import json
from contextlib import contextmanager
from urllib.parse import urlsplit

from support.authority import Authority, serve_https
from support.forward_proxy import run_forward_proxy
from support.portal_app import FEISHU_APP, answer_platform

ADDRESS = "192.0.2.1"  # kept for documentation: no machine has it
COMPANY = "5a4db0c5a4db0c01"
HOSTS = ("openBaseUrl", "accountsBaseUrl", "passportBaseUrl")


class RemotePlatform:
    """A platform, and the files of a login there.

    `authority` is the certificate to trust.
    """

    def __init__(self, sandbox, authority, proxy_url):
        self.sandbox, self.authority = sandbox, authority
        self.settings = {
            **FEISHU_APP,
            **dict.fromkeys(HOSTS, f"https://{ADDRESS}"),
            "httpProxy": proxy_url,
            "tenantKeys": [COMPANY],
            "keepUserTokens": True,
        }

    def write_login(self, folder, base):
        """Write the login `Feishu`, and tell the platform its callback."""
        login = folder / "Feishu"
        login.mkdir()
        (login / "e.json").write_text(json.dumps({"title": "Feishu", "type": "auths.loginTypes.FSInnerType"}))
        (login / "Feishu.json").write_text(json.dumps(self.settings))
        self.sandbox.app("feishu", redirect_uris=[f"{base}/login/Feishu/callback", f"{base}/login/Feishu/in-app"])

    def answer(self, address, person="zhangsan"):
        """Answer the platform's page as a person.

        Return the path and query of the callback.
        """
        return answer_platform(address.replace(f"https://{ADDRESS}", self.sandbox.url), person)


@contextmanager
def run_remote_platform(folder, sandbox):
    """Yield the platform, which ends with the block."""
    authority = Authority(folder)
    with serve_https(sandbox.port, authority.certify(ADDRESS)) as front:
        with run_forward_proxy({f"{ADDRESS}:443": urlsplit(front).port}) as proxy:
            yield RemotePlatform(sandbox, authority.file, proxy.url)
