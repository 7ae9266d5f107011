"""A client of Feishu by Feishu's own Python SDK, lark-oapi.

https://github.com/larksuite/oapi-sdk-python
"""

import lark_oapi as lark
from lark_oapi.core.token.manager import TokenManager


def connect_lark(sandbox, secret=None):
    """Return a client that takes the sandbox for the platform."""
    TokenManager.cache.cache.clear()  # the SDK keeps tokens for the whole process, by application only
    builder = lark.Client.builder().app_id(sandbox.FEISHU["app_id"]).app_secret(secret or sandbox.FEISHU["app_secret"])
    builder = builder.domain(sandbox.url).oauth_base_url(sandbox.url).enable_set_token(True)
    return builder.log_level(lark.LogLevel.ERROR).build()
