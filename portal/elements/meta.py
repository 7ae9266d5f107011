"""The methods every element has."""

import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask

from portal.directory import cleaning, departments, memberships, people
from portal.directory.cleaning import CleanPerson
from portal.directory.companies import Company
from portal.directory.protocol import Directory
from portal.elements.platform_facts import PlatformFacts
from portal.elements.settings import SettingsReader
from portal.elements.state import LoginState
from portal.errors import NOT_A_MEMBER, NOT_FOUND, Code
from portal.logs import log_event
from portal.models import Identity
from portal.providers import http
from portal.providers.person import Person
from portal.text import is_clean

log = logging.getLogger(__name__)

DIRECTORY_SECONDS, DIRECTORY_SIZE = 60, 64 * 1024 * 1024  # for all calls of one directory task; bytes an answer
NO_DIRECTORY = "this Type reads no directory"


def id_text(value: str | int) -> str:
    """Return an id of a person or department as text.

    :raises Code: NOT_FOUND for what can be none.
    """
    value = str(value) if type(value) is int else value
    if not is_clean(value):
        raise Code(NOT_FOUND, "there is nothing of this id")
    return value


class Meta(PlatformFacts, SettingsReader, LoginState):
    """A configured login.

    A Type directly below it gives `authorize_url()` and `fetch_person()`.

    :param app: the Flask app it belongs to.
    :param name: the name of its folder.
    :param title: what people read.
    :param settings: its own file's keys, variables filled in.
    :raises Code: SETTING_MISSING or SETTING_WRONG, naming file and key.
    """

    def __init__(self, app: Flask, name: str, title: str, settings: dict):
        self.app, self.name, self.title, self.settings = app, name, title, settings
        self.fullName = f"auths.loginTypes.{name}"
        self.isActive = self.flag("isActive", True)
        self.ownPage = self.flag("ownPage", False)
        self.keepsLimits = self.flag("limits", True)
        self.redirectUri = self.redirect_uri()
        self.label = self.label or title
        self.picture = "" if "mark" in settings or self.mark else self.picture
        self.mark = self.read_mark(self.mark or title[:1])
        self.local_origins: list[str] = []
        self.configure()
        self.avatar_hosts = (*self.avatar_hosts, *dict.fromkeys(self.local_origins))

    def configure(self) -> None:
        """Check the settings of the Type and prepare its clients."""

    # The interface, under the names its users know

    def getLoginConfig(self, kind: str = "qr", **kwargs: Any) -> dict:
        """Return what a page needs to begin a login.

        Its `state` is fresh, and valid for ten minutes.

        :param kind: how the login goes: `redirect`, `qr`, `in_app` or `auth_code`.
        :raises ValueError: for another kind.
        """
        return {"redirectUri": self.redirectUri, "state": self.make_state(kind)}

    def getLoginCode(self, authCode: str, state: str | None = None) -> CleanPerson:
        """Return the person of a login code, with their departments.

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
        """Return a person as the platform's directory tells.

        The keys are those of `getLoginCode`.

        :param userId: the platform's id; for Feishu also an open id (`ou_…`) or union id (`on_…`).
        :raises Code: NOT_FOUND unknown, NOT_ALLOWED outside the app's range, NOT_PERMITTED when the app lacks the
            permission.
        """
        return self.clean(self.directory_person(id_text(userId)))

    def getAccessToken(self) -> str:
        """Return the app's own valid token.

        It is for calls to the platform's interfaces.
        """
        raise NotImplementedError("this Type has no token of its own")

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
        """Store all visible departments, or exactly one of them.

        Departments that are gone are removed only after a whole tree was read.

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
        usable, faults = departments.build_tree(read)
        for fault, ids in faults.items():
            facts = {"fault": fault, "departments": ", ".join(ids[:10])}
            log_event(log, logging.WARNING, "odd_departments", element=self.name, **facts)
        departments.save_departments(self.provider, tenant, usable, extent)
        memberships.fill_new_departments(self.provider, tenant, memberships.find_newest_person())

    # A login, as the pages ask for it

    def person_for(self, code: str, state: str) -> CleanPerson:
        """Return the person of a login code, clean and complete.

        The page has used the state up before, so that an override of `getLoginCode` can't lose that check. What an
        override returns is cleaned here: it was written by the author of the Type, not by us.

        :raises Code: as `getLoginCode` does; UNAVAILABLE where an id is not usable.
        """
        with http.deadline():
            person = self.getLoginCode(code, state)
        return person if type(self).getLoginCode is Meta.getLoginCode else self.accept(person)

    def accept(self, person: Mapping) -> CleanPerson:
        """Return a person with usable ids, clean and with departments.

        :raises Code: UNAVAILABLE where an id is not usable as it is.
        """
        cleaning.check_ids(person)
        return self.clean(person)

    def clean(self, person: Mapping) -> CleanPerson:
        """Return a person with clean values and with departments."""
        return people.add_departments(cleaning.clean_person(person, self.avatar_hosts))

    def check_tenant(self, person: Mapping, allowed: list[str] | None) -> None:
        """Raise unless a person's company is on a list.

        :param allowed: the companies' keys; `None` allows all.
        :raises Code: NOT_A_MEMBER.
        """
        if allowed is not None and person.get("tenant") not in allowed:
            raise Code(NOT_A_MEMBER, "the visitor's company is not on this element's list")

    # What a Type fills in

    def authorize_url(self, kind: str, state: str) -> str | None:
        """Return the address to send the browser to.

        `None` where the platform's client makes the code.
        """
        raise NotImplementedError

    def fetch_person(self, code: str, kind: str, state: str | None) -> Person:
        """Return the person of a login code, not cleaned yet.

        The code is sent once. All calls inside share the deadline of the login.

        :param kind: how the login goes; see `getLoginConfig`.
        :param state: `None` where the caller had none.
        :raises Code: for every way this can fail.
        """
        raise NotImplementedError

    @property
    def has_directory(self) -> bool:
        """Whether its people and departments can be synced."""
        return type(self).directory_client is not Meta.directory_client

    def directory_client(self) -> Directory:
        """Return the client that reads the platform's directory."""
        raise NotImplementedError(NO_DIRECTORY)

    def directory_person(self, user_id: str) -> Person:
        """Return a person as the platform's directory tells."""
        raise NotImplementedError(NO_DIRECTORY)

    def recall_tenant(self) -> str:
        """Return the company of this directory without a call.

        "" where that takes a call.
        """
        return ""

    def tenant(self) -> str:
        """Return the company of this directory."""
        return self.recall_tenant()

    def own_company(self) -> Company:
        """Return the company as the settings tell it.

        Pages call it for every element, so it asks neither platform nor database.
        """
        return Company()

    def find_person(self, user_id: str) -> Identity | None:
        """Return the stored person of an id, whichever it is."""
        return people.find_by_user_id(self.provider, self.recall_tenant(), user_id, self.name)
