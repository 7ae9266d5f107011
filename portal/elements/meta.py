"""What every element has: its settings, its state, and the methods a Type fills in."""

import hashlib
import hmac
import logging
import re
import secrets
import struct
import time
from base64 import urlsafe_b64encode
from urllib.parse import quote, urlsplit

from portal.clocks import SKEW
from portal.directory import departments, memberships, people
from portal.elements.addresses import is_local, plain_host
from portal.elements.doctor import Doctor
from portal.errors import BAD_CODE, BAD_STATE, NOT_FOUND, SETTING_MISSING, SETTING_WRONG, Code
from portal.providers import http
from portal.providers.person import Person
from portal.text import is_clean

log = logging.getLogger(__name__)

STATE_LIFE = 600  # seconds
STATE_FORM = struct.Struct(">16sIB")  # random, time it was made, kind
SIGNATURE = 16  # bytes
DIRECTORY_SECONDS, DIRECTORY_SIZE = 60, 64 * 1024 * 1024  # for all calls of one directory task; bytes an answer
PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")  # of a redirect address
KINDS = ("redirect", "qr", "in_app", "auth_code")
LONGEST_CODE = 4096  # characters


def origin_parts(parts) -> tuple:
    """Return scheme, host and port of a split address; a scheme's own port counts as written."""
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def id_text(value: str | int) -> str:
    """Return an id of a person or department as text.

    :raises Code: 60111 for what can be none.
    """
    value = str(value) if type(value) is int else value
    if not is_clean(value):
        raise Code(NOT_FOUND, "there is nothing of this id")
    return value


class Meta:
    """A configured login. A Type directly below it gives `authorize_url()` and `getLoginCode()`.

    :param app: the Flask app it belongs to.
    :param name: the name of its folder.
    :param title: what people read.
    :param settings: its own file's keys, variables filled in.
    :raises Code: 47000 for a setting that is missing, 47001 for one that is wrong, naming file and key.
    """

    # What is true of one platform only. Common code asks the Type and names no platform.
    provider = ""  #: the name stored with its people
    label = ""  #: the platform's name on buttons
    mark = ""  #: one character for its badge
    colour = ""  #: the badge's colour: `blue`, `green`, `orange`, `purple`, `red` or `teal`; without one it is grey
    avatar_hosts: tuple[str, ...] = ()  #: ends of the host names from which pictures are accepted, `.example.com`
    code_names: tuple[str, ...] = ("code",)  #: parameters of the callback that may hold the login code
    csv_names: tuple[str, ...] = ()  #: further words by which a CSV file may name the platform
    client_agent = None  #: pattern of its client's user agent; a hint, never proof
    client_programs: dict[str, str] = {}  #: product in its client's user agent -> name shown in lists of sessions
    lookalike_apps: dict[str, str] = {}  #: product of an app that is taken for its client and can't sign in -> name
    login_scripts: dict[str, str] = {}  #: page (`login` or `in_app`) -> our script for it, a file in `static/js/`
    works_on_phones = True  #: whether its sign-in page is of use in a phone's browser
    doctor = Doctor  #: the class that examines its elements

    def __init__(self, app, name: str, title: str, settings: dict):
        self.app, self.name, self.title, self.settings = app, name, title, settings
        self.fullName = f"auths.loginTypes.{name}"
        self.isActive = self.flag("isActive", True)
        self.ownPage = self.flag("ownPage", False)
        self.keepsLimits = self.flag("limits", True)
        self.redirectUri = self.redirect_uri()
        self.label = self.label or title
        self.mark = self.mark or title[:1]
        self.configure()

    def configure(self):
        """Check the settings of the Type and prepare its clients."""

    # The interface, under the names its users know

    def getLoginConfig(self, kind: str = "qr", **kwargs) -> dict:
        """Return what a page needs to begin a login; `state` is fresh, and valid for ten minutes.

        :param kind: how the login goes: `redirect`, `qr`, `in_app` or `auth_code`.
        :raises ValueError: for another kind.
        """
        return {"redirectUri": self.redirectUri, "state": self.make_state(kind)}

    def getLoginCode(self, authCode: str, state: str | None = None) -> dict:
        """Return who brought the code, as a :class:`~portal.elements.Person`.

        :param state: optional from Python; a given one must be genuine, of this element and fresh.
        :raises Code: 40300 for another state, before any call; else as the platform answers.
        """
        raise NotImplementedError

    def getUserInfo(self, userId: str) -> dict:
        """Return what the platform's directory says of somebody: the keys of `getLoginCode`.

        :param userId: the platform's id; for Feishu also an open id (`ou_…`) or union id (`on_…`).
        :raises Code: 60111 unknown, 40302 outside the app's range, 60020 when the app lacks the permission.
        """
        return people.with_departments(people.clean(self.directory_person(id_text(userId))))

    def getAccessToken(self) -> str:
        """Return the app's own valid token, for calls to the platform's interfaces."""
        raise NotImplementedError

    def syncUserInfo(self, userId: str, forceUpdate: bool = False) -> None:
        """Store what the platform's directory says of somebody; refreshed within a day, they are left alone.

        :param forceUpdate: ask the platform all the same.
        :raises Code: 60111 unknown, 40302 outside the app's range, 60020 when the app lacks the permission.
        """
        userId = id_text(userId)
        stored = self.stored_person(userId)
        if people.is_recent(stored) and not forceUpdate:
            return
        try:
            person = self.directory_person(userId)
        except Code as error:
            if error.code != NOT_FOUND or stored is None:
                raise
            people.gone(stored, self.name)
        else:
            told = people.clean({**person, "tenant": person["tenant"] or self.tenant(), "contactRead": True})
            people.refresh(people.with_departments(told), self.name)

    def syncDepartmentInfo(self, deptId: str | None = None) -> None:
        """Store the whole visible tree of departments, or exactly one of them; only a whole tree removes any.

        :raises Code: 60111 unknown or outside the app's range, 60020 when the app lacks the permission.
        """
        deptId = None if deptId is None else id_text(deptId)
        client, tenant = self.directory_client(), self.tenant()
        with http.within(DIRECTORY_SECONDS, DIRECTORY_SIZE):
            if deptId is None:
                survey = client.survey()
                told = [dept for page in survey.departments() for dept in page]
                extent = departments.WHOLE if survey.whole else departments.PART
            else:
                told, extent = [client.department(deptId)], departments.ONE
        told, faults = departments.sound(told)
        for fault, ids in faults.items():
            log.warning("%s: %s: %s", self.name, fault, ", ".join(ids[:10]))
        departments.save(self.provider, tenant, told, extent)
        memberships.seat_new_departments(self.provider, tenant, memberships.newest_person())

    # What a Type fills in

    def authorize_url(self, kind: str, state: str) -> str | None:
        """Return the address to send the browser to, or `None` where the platform's client makes the code."""
        raise NotImplementedError

    @property
    def has_directory(self) -> bool:
        """Whether its people and departments can be synced."""
        return type(self).directory_client is not Meta.directory_client

    def directory_client(self):
        """Return the client that reads the platform's directory: `member()`, `department()`, `survey()`."""
        raise NotImplementedError

    def directory_person(self, user_id: str) -> Person:
        """Return somebody as the platform's directory tells."""
        raise NotImplementedError

    def known_tenant(self) -> str:
        """Return the company whose directory this is, or "" where that takes a call."""
        return ""

    def tenant(self) -> str:
        """Return the company whose directory this is."""
        return self.known_tenant()

    def stored_person(self, user_id: str):
        """Return somebody as they are stored, by any of their ids, or `None`."""
        return people.by_user_id(self.provider, self.known_tenant(), user_id, self.name)

    # What pages ask

    def start_kind(self, user_agent: str) -> str:
        """Return the kind of a login that begins with a click in this browser or client."""
        return "redirect"

    def start_origins(self, user_agent: str) -> list[str]:
        """Return the platform's origins a form may lead to that begins a login, for its page's content policy."""
        kind = self.start_kind(user_agent)
        address = self.authorize_url(kind, self.make_state(kind))
        return [self.origin_of(address)] if address else []

    def in_client(self, user_agent: str) -> bool:
        """Return whether the portal seems to be open inside the platform's own client."""
        return self.client_agent is not None and self.client_agent.search(user_agent) is not None

    def qr(self) -> dict | None:
        """Return what embeds the platform's QR code: the `script`'s address and the frame's `origin`."""
        return None

    def in_app(self) -> dict | None:
        """Return what asks the platform's client for a code: the `script`'s address, and the `app` to ask for."""
        return None

    def app_link(self) -> str | None:
        """Return the address that opens the portal inside the platform's app on a phone."""
        return None

    def page_sources(self, page: str) -> dict[str, list[str]]:
        """Return what a page's content policy must allow besides our own: directive -> origins, or files' addresses.

        :param page: `login` or `in_app`.
        """
        return {}

    def root_files(self) -> dict[str, str]:
        """Return text files to serve from the root: name, ending in .txt -> content."""
        return {}

    def check(self) -> None:
        """Call what every page relies on once, so that an element that fails there is broken, and no page is."""
        for page in ("login", "in_app"):
            for directive, origins in self.page_sources(page).items():
                if not directive.endswith("-src") or not all(isinstance(origin, str) for origin in origins):
                    raise self.wrong("page_sources()", "must be lists of origins by directive")
        if not all(isinstance(text, str) for pair in self.root_files().items() for text in pair):
            raise self.wrong("root_files()", "must be texts by name")
        for name in ("redirectUri", "title", "provider"):
            if not isinstance(getattr(self, name), str):
                raise self.wrong(name, "must be a text")
        self.start_kind(""), self.in_client(""), self.qr(), self.in_app(), self.app_link(), str(self.label)
        self.doctor(self).console()

    # State: random, signed together with element, kind and time; letters and digits only

    def make_state(self, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        body = STATE_FORM.pack(secrets.token_bytes(16), int(time.time()), KINDS.index(kind))
        return (body + self.sign(b"state", body)).hex()

    def read_state(self, state: str) -> str:
        """Return the kind of login a state was made for.

        :raises Code: 40300 unless this element made it within the last ten minutes.
        """
        try:
            raw = bytes.fromhex(state)
            body, signature = raw[: STATE_FORM.size], raw[STATE_FORM.size :]
            _, made_at, kind = STATE_FORM.unpack(body)
            # Only the very text counts: fromhex() takes capitals and blanks, too.
            genuine = raw.hex() == state and hmac.compare_digest(signature, self.sign(b"state", body))
        except (ValueError, TypeError, struct.error):
            genuine = False
        if not genuine:
            raise Code(BAD_STATE, "the state is not one of this element")
        if not -SKEW <= time.time() - made_at <= STATE_LIFE:
            raise Code(BAD_STATE, "the state is older than ten minutes")
        return KINDS[kind]

    def read_code(self, code: str) -> str:
        """Return a login code.

        :raises Code: 40029 for what no platform can have made.
        """
        sound = isinstance(code, str) and 0 < len(code) <= LONGEST_CODE and code.isascii() and code.isprintable()
        if not sound or " " in code:
            raise Code(BAD_CODE, "this is not a login code")
        return code

    def code_verifier(self, state: str) -> str:
        """Return the PKCE verifier of a login: derived from its state, so that nothing is stored."""
        return urlsafe_b64encode(self.sign(b"pkce", state.encode(), size=32)).rstrip(b"=").decode()

    def sign(self, use: bytes, text: bytes, size: int = SIGNATURE) -> bytes:
        key = self.app.config["PORTAL_SECRET_KEY"].encode()
        return hmac.digest(key, b"\0".join((use, self.fullName.encode(), text)), hashlib.sha256)[:size]

    # Settings

    @property
    def file(self) -> str:
        return f"auths/loginTypes/{self.name}/{self.name}.json"

    def wrong(self, key: str, why: str) -> Code:
        return Code(SETTING_WRONG, f"{self.file}: {key} {why}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text setting without blanks around it; a number counts as its text."""
        value = self.settings.get(key, default)
        if type(value) is int:
            value = str(value)
        if value is None or value == "":
            raise Code(SETTING_MISSING, f"{self.file}: {key} is missing")
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "must be a text")
        return value.strip()

    def choice(self, key: str, allowed, default: str) -> str:
        value = self.text(key, default)
        if value not in allowed:
            raise self.wrong(key, f"must be one of: {', '.join(allowed)}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.settings.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def address(self, key: str, default: str | None = None, origin: bool = True) -> str:
        """Return an address: https, or http on this machine; in production none of this machine.

        Whatever listens on a port of this machine could else say who signs in.

        :param origin: whether it must end after host and port.
        """
        value = self.text(key, default).rstrip("/") if origin else self.text(key, default)
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - raises for a port that is none
            local = is_local(plain_host(parts.hostname or ""))
        except ValueError:
            raise self.wrong(key, "is not an address such as https://open.example.com") from None
        if local and self.in_production:
            raise self.wrong(key, "is an address of this machine, which production refuses: anybody here could answer")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise self.wrong(key, "must start with https:// (http:// only on this machine)")
        further = origin and (parts.path or parts.query or parts.fragment)
        if parts.username is not None or further or not value.isprintable() or re.search(r"[\s\\]", value):
            raise self.wrong(key, "must be an address such as https://open.example.com")
        return value

    @property
    def in_production(self) -> bool:
        return self.app.config["PORTAL_ENV"] == "production"

    def proxy(self) -> dict:
        """Return the forward proxy for calls to the platform, as options for Authlib; none without `httpProxy`.

        Some companies need one for its fixed address, others have no other way out.
        """
        if "httpProxy" not in self.settings:
            return {}
        value = self.text("httpProxy")
        try:
            parts = urlsplit(value)
            sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            sound = False
        if not sound or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise self.wrong("httpProxy", "must be an address such as http://proxy.example.com:3128")
        return {"proxies": {"http": value, "https": value}}

    def redirect_uri(self) -> str:
        """Return the callback's address: as written, on the portal's own host, or the one every element has."""
        base = self.app.config["PORTAL_BASE_URL"]
        if "redirectUri" not in self.settings:
            return f"{base}/login/{self.name}/callback"
        value = self.text("redirectUri")
        try:
            parts, ours = urlsplit(value), urlsplit(base)
            same = origin_parts(parts) == origin_parts(ours) and parts.username is None
        except ValueError:
            same = False
        if not same or not PATH.fullmatch(parts.path) or "#" in value or not value.isprintable() or " " in value:
            raise self.wrong("redirectUri", f"must be an address below PORTAL_BASE_URL ({base}/…), without a fragment")
        return value

    def file_source(self, address: str) -> str:
        """Return a file's address as a content policy names it: without a query; `;` and `,` part its rows."""
        return self.origin_of(address) + quote(urlsplit(address).path, safe="%/:@!$&'()*+=~")

    def origin_of(self, address: str) -> str:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc}"
