"""WeCom's applications and their secrets.

https://developer.work.weixin.qq.com/document/path/90665
"""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe

from sandbox import phone
from sandbox.wecom import guesses
from sandbox.world import App, world

CORP_ID = "wwsandbox00000001"
AGENT_ID = "1000002"
REAL_LOOKING = re.compile(r"ww[0-9a-f]{16}")  # what a real company's CorpID looks like
CONSENT = "snsapi_privateinfo"  # the scope that asks the member for their sensitive fields
SENSITIVE = ("gender", "avatar", "qr_code", "mobile", "email", "biz_mail", "address")
CONTACT_SYNC_CALLS = {"user/list_id", "department/simplelist"}  # all that is left to that application since 2022


@dataclass(kw_only=True, eq=False)
class WecomApp(App):
    corpid: str
    agentid: str
    trusted_domain: str | None = None  # host[:port]; None: every loopback address
    callback_domain: str | None = None  # host[:port] that the web login takes besides
    home_url: str | None = None  # the page the client's workbench opens; None: that of the portal to try out
    old_app: bool = False  # made before 2022-06-20: reads sensitive fields without consent
    consent_fields: list = field(default_factory=lambda: list(SENSITIVE))  # those the administrator ticked
    contact_sync: bool = False  # the contact-sync assistant
    dropped: set = field(default_factory=set)  # calls it may not make, such as "user/get"
    honours_fetch_child: bool = guesses.HONOURS_FETCH_CHILD
    expired_as: int = guesses.EXPIRED_AS  # how an expired token is refused
    revoked_as: int = guesses.REVOKED_AS
    panel_channel: bool = guesses.PANEL_CHANNEL
    panel_early: bool = guesses.PANEL_EARLY
    panel_failure: dict | None = None  # what the panel hands to onLoginFail before anybody picks a person

    @property
    def name(self):
        return f"{self.corpid} / {self.agentid}"

    def trusts(self, address, web=False):
        """Tell whether a code may be delivered to this address.

        Host and port count, scheme and path do not.

        :param web: whether it is for a web login, which has a domain of its own besides.
        """
        parts = phone.split_address(address)
        if parts is None:
            return False
        if web and self.callback_domain is not None and parts.netloc == self.callback_domain:
            return True
        if self.trusted_domain is None:
            return phone.is_loopback(address)
        return parts.netloc == self.trusted_domain


def make_default_apps():
    apps = (
        WecomApp(corpid=CORP_ID, agentid=AGENT_ID, secret="sandbox-wecom-secret"),
        WecomApp(corpid=CORP_ID, agentid="2000002", secret="sandbox-contact-sync-secret", contact_sync=True),
    )
    return {(app.corpid, app.agentid): app for app in apps}


def find_person(userid):
    """Return the person with this userid, or None.

    Upper and lower case are the same.
    """
    table = world.wecom.directory.lookups.get("userid")
    if table is None:
        table = {person.key.lower(): person for person in world.wecom.directory.people.values()}
        world.wecom.directory.lookups["userid"] = table
    return table.get(userid.lower())


def open_id(person):
    return "oSBX" + sha256(person.key.encode()).hexdigest()[:24]


def make_token():
    return token_urlsafe(160)


def make_code():
    return token_urlsafe(32)  # 43 characters
