"""What every element has: the methods its users call, and those a Type fills in."""

import logging
from collections.abc import Mapping

from flask import Flask

from portal.directory import cleaning, departments, memberships, people
from portal.directory.cleaning import CleanPerson
from portal.elements.doctor import Doctor
from portal.elements.settings import SettingsReader
from portal.elements.state import LoginState
from portal.errors import NOT_FOUND, Code
from portal.models import Identity
from portal.providers import http
from portal.providers.person import Person
from portal.text import is_clean

log = logging.getLogger(__name__)

DIRECTORY_SECONDS, DIRECTORY_SIZE = 60, 64 * 1024 * 1024  # for all calls of one directory task; bytes an answer


def id_text(value: str | int) -> str:
    """Return an id of a person or department as text.

    :raises Code: NOT_FOUND for what can be none.
    """
    value = str(value) if type(value) is int else value
    if not is_clean(value):
        raise Code(NOT_FOUND, "there is nothing of this id")
    return value


class Meta(SettingsReader, LoginState):
    """A configured login.

    A Type directly below it gives `authorize_url()` and `fetch_person()`.

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

    def __init__(self, app: Flask, name: str, title: str, settings: dict):
        self.app, self.name, self.title, self.settings = app, name, title, settings
        self.fullName = f"auths.loginTypes.{name}"
        self.isActive = self.flag("isActive", True)
        self.ownPage = self.flag("ownPage", False)
        self.keepsLimits = self.flag("limits", True)
        self.redirectUri = self.redirect_uri()
        self.label = self.label or title
        self.mark = self.mark or title[:1]
        self.configure()

    def configure(self) -> None:
        """Check the settings of the Type and prepare its clients."""

    # The interface, under the names its users know

    def getLoginConfig(self, kind: str = "qr", **kwargs) -> dict:
        """Return what a page needs to begin a login; `state` is fresh, and valid for ten minutes.

        :param kind: how the login goes: `redirect`, `qr`, `in_app` or `auth_code`.
        :raises ValueError: for another kind.
        """
        return {"redirectUri": self.redirectUri, "state": self.make_state(kind)}

    def getLoginCode(self, authCode: str, state: str | None = None) -> CleanPerson:
        """Return the person who brought a login code, with their departments.

        The kind of login is the one the state was made for; without a state: `qr`.

        :param state: optional from Python; a given one must be genuine, of this element and fresh.
        :raises Code: BAD_STATE for another state and BAD_CODE for an impossible code, before any call; else as the
            platform answers.
        """
        kind = self.read_state(state) if state is not None else "qr"
        code = self.read_code(authCode)
        with http.deadline():
            return self.accept(self.fetch_person(code, kind, state))

    def getUserInfo(self, userId: str) -> CleanPerson:
        """Return a person as the platform's directory tells, under the keys of `getLoginCode`.

        :param userId: the platform's id; for Feishu also an open id (`ou_…`) or union id (`on_…`).
        :raises Code: NOT_FOUND unknown, NOT_ALLOWED outside the app's range, NOT_PERMITTED when the app lacks the
            permission.
        """
        return self.clean(self.directory_person(id_text(userId)))

    def getAccessToken(self) -> str:
        """Return the app's own valid token, for calls to the platform's interfaces."""
        raise NotImplementedError

    def syncUserInfo(self, userId: str, forceUpdate: bool = False) -> None:
        """Store a person as the platform's directory tells.

        A person refreshed within a day is left alone.

        :param forceUpdate: ask the platform all the same.
        :raises Code: NOT_FOUND unknown, NOT_ALLOWED outside the app's range, NOT_PERMITTED when the app lacks the
            permission.
        """
        userId = id_text(userId)
        identity = self.find_person(userId)
        if people.is_recent(identity) and not forceUpdate:
            return
        try:
            person = self.directory_person(userId)
        except Code as error:
            if error.code != NOT_FOUND or identity is None:
                raise
            people.store_leaver(identity, self.name)
        else:
            person = {**person, "tenant": person["tenant"] or self.tenant(), "contactRead": True}
            people.refresh(self.accept(person), self.name)

    def syncDepartmentInfo(self, deptId: str | None = None) -> None:
        """Store the whole visible tree of departments, or exactly one of them.

        Only a whole tree removes any.

        :raises Code: NOT_FOUND unknown or outside the app's range, NOT_PERMITTED when the app lacks the permission.
        """
        deptId = None if deptId is None else id_text(deptId)
        client, tenant = self.directory_client(), self.tenant()
        with http.deadline(DIRECTORY_SECONDS, DIRECTORY_SIZE):
            if deptId is None:
                survey = client.survey()
                read = [department for page in survey.departments() for department in page]
                extent = departments.WHOLE if survey.whole else departments.PART
            else:
                read, extent = [client.department(deptId)], departments.ONE
        usable, faults = departments.sound(read)
        for fault, ids in faults.items():
            log.warning("%s: %s: %s", self.name, fault, ", ".join(ids[:10]))
        departments.save(self.provider, tenant, usable, extent)
        memberships.seat_new_departments(self.provider, tenant, memberships.newest_person())

    # A login, as the pages ask for it

    def person_for(self, code: str, state: str) -> CleanPerson:
        """Return the person who brought a login code, clean and complete.

        The page has used the state up before, so that an override of `getLoginCode` can't lose that check. What an
        override returns is cleaned here: it is the Type's author who wrote it, not us.

        :raises Code: as `getLoginCode` does; UNAVAILABLE where it does not say who it is.
        """
        with http.deadline():
            person = self.getLoginCode(code, state)
        return person if type(self).getLoginCode is Meta.getLoginCode else self.accept(person)

    def accept(self, person: Mapping) -> CleanPerson:
        """Return a person whose ids are usable, clean and with departments.

        :raises Code: UNAVAILABLE where an id is not usable as it is.
        """
        cleaning.check_ids(person)
        return self.clean(person)

    def clean(self, person: Mapping) -> CleanPerson:
        """Return a person with every value cleaned, and with their departments."""
        return people.add_departments(cleaning.clean_person(person, self.avatar_hosts))

    # What a Type fills in

    def authorize_url(self, kind: str, state: str) -> str | None:
        """Return the address to send the browser to, or `None` where the platform's client makes the code."""
        raise NotImplementedError

    def fetch_person(self, code: str, kind: str, state: str | None) -> Person:
        """Return the person who brought a login code, as the platform tells. The code is sent once.

        All calls inside share the deadline of the login.

        :param kind: how the login goes; see `getLoginConfig`.
        :param state: `None` where the caller had none.
        :raises Code: for every way this can fail.
        """
        raise NotImplementedError

    @property
    def has_directory(self) -> bool:
        """Whether its people and departments can be synced."""
        return type(self).directory_client is not Meta.directory_client

    def directory_client(self):
        """Return the client that reads the platform's directory: `member()`, `department()`, `survey()`."""
        raise NotImplementedError

    def directory_person(self, user_id: str) -> Person:
        """Return a person as the platform's directory tells."""
        raise NotImplementedError

    def recall_tenant(self) -> str:
        """Return the company whose directory this is, or "" where that takes a call."""
        return ""

    def tenant(self) -> str:
        """Return the company whose directory this is."""
        return self.recall_tenant()

    def find_person(self, user_id: str) -> Identity | None:
        """Return a person as they are stored, by any of their ids."""
        return people.find_by_user_id(self.provider, self.recall_tenant(), user_id, self.name)

    # What pages ask

    def start_kind(self, user_agent: str) -> str:
        """Return the kind of a login that begins with a click in this browser or client."""
        return "redirect"

    def start_origins(self, user_agent: str) -> list[str]:
        """Return the platform's origins a form may lead to that begins a login, for its page's content policy."""
        kind = self.start_kind(user_agent)
        address = self.authorize_url(kind, self.make_state(kind))
        return [self.origin_of(address)] if address else []

    def is_client(self, user_agent: str) -> bool:
        """Return whether the portal seems to be open inside the platform's own client."""
        return self.client_agent is not None and self.client_agent.search(user_agent) is not None

    def qr(self) -> dict | None:
        """Return what embeds the platform's QR code: the `script`'s address and the frame's `origin`."""
        return None

    def client_script(self) -> dict | None:
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
                    raise self.wrong_setting("page_sources()", "must be lists of origins by directive")
        if not all(isinstance(text, str) for pair in self.root_files().items() for text in pair):
            raise self.wrong_setting("root_files()", "must be texts by name")
        for name in ("redirectUri", "title", "provider", "colour"):
            if not isinstance(getattr(self, name), str):
                raise self.wrong_setting(name, "must be a text")
        for name in ("avatar_hosts", "code_names", "csv_names"):
            texts = getattr(self, name)
            if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
                raise self.wrong_setting(name, "must be a tuple of texts")
        self.start_kind(""), self.is_client(""), self.qr(), self.client_script(), self.app_link(), str(self.label)
        self.doctor(self).console()
