"""Applications and groups in a JSON file.

An administrator exports them from one portal, keeps the file, and applies it to the same portal or another.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from portal import audit, database
from portal.applications import application_secrets, catalogue, groups
from portal.applications.application_fields import READERS, InvalidFields
from portal.applications.application_secrets import TooManySecrets
from portal.audit import Actor
from portal.errors import Code
from portal.logs import escape_text
from portal.models import Application, Group

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SHORTEST_SECRET = 32  # characters
KEYS = {"group": set(groups.READERS), "application": {*READERS, "secrets"}}


class FaultyFile(ValueError):
    """A file that can't be applied.

    :param faults: a line for each fault, for operators.
    """

    def __init__(self, faults: list[str]):
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass
class Difference:
    """What a file changes of a group or an application.

    :param changes: a line for each.
    """

    kind: str
    name: str
    is_new: bool
    changes: list[str] = field(default_factory=list)


# Writing


def write_contents() -> dict[str, list[dict]]:
    """Return all groups and applications, without secrets."""
    applications = sorted(catalogue.list_applications(), key=lambda application: application.name)
    return {
        "groups": [write_group(group) for group in sorted(groups.list_groups(), key=lambda group: group.name)],
        "applications": [write_application(application) for application in applications],
    }


def write_group(group: Group) -> dict:
    """Return a group as a file has it."""
    return {"name": group.name, "title": group.title, "members": groups.write_members(group)}


def write_application(application: Application) -> dict:
    """Return an application as a file has it."""
    names = sorted(group.name for group in application.groups)
    return {field: names if field == "groups" else getattr(application, field) for field in READERS}


# Applying


def apply_file(content: str, variable: Callable[[str], str | None], *, is_dry_run: bool, by: Actor) -> list[Difference]:
    """Store what a file says, or nothing at all.

    What the file leaves out stays.

    :param content: JSON, as `write_contents()` returns it; applications may have `secrets`.
    :param variable: returns the value of an environment variable.
    :return: what differs now, or would.
    :raises FaultyFile: naming every fault.
    """
    entries = read_entries(content)
    with database.write() as session:
        catalogue.lock_applications()
        applier = FileApplier(variable, by)
        applier.apply(entries)
        if applier.faults:
            raise FaultyFile(applier.faults)
        differences = [difference for difference in applier.differences if difference.is_new or difference.changes]
        if is_dry_run:
            session.rollback()
        elif differences:
            names = {f"{kind}s": [item.name for item in differences if item.kind == kind] for kind in KEYS}
            audit.record("application.apply", by, details=names)
    return differences


def read_entries(content: str) -> dict[str, list[dict]]:
    """Return the entries of a file by kind.

    :raises FaultyFile: naming every fault.
    """
    try:
        sections = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FaultyFile([f"this is no JSON: {error}"]) from None
    if not isinstance(sections, dict):
        raise FaultyFile(['this must be an object with "groups" and "applications"'])
    faults = [f"unknown key {json.dumps(key)}" for key in sections if key not in ("groups", "applications")]
    entries = {kind: sections.get(f"{kind}s", []) for kind in KEYS}
    for kind, listed in entries.items():
        if not isinstance(listed, list):
            raise FaultyFile([*faults, f"{kind}s must be a list"])
        faults += list_shape_faults(kind, listed)
    if faults:
        raise FaultyFile(faults)
    return entries


def list_shape_faults(kind: str, listed: list) -> Iterable[str]:
    """Yield a line for each fault of shape."""
    names = set()
    for place, entry in enumerate(listed, 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            yield f"{kind} {place}: has no name"
            continue
        if name in names:
            yield f"{kind} {name}: is there twice"
        names.add(name)
        for key in sorted(entry.keys() - KEYS[kind]):
            yield f"{kind} {name}: unknown key {json.dumps(key)}"


class FileApplier:
    """Stores the entries of a file, inside the caller's transaction.

    It goes on after a fault to find the others.
    """

    def __init__(self, variable: Callable[[str], str | None], by: Actor):
        self.variable, self.by = variable, by
        self.differences: list[Difference] = []
        self.faults: list[str] = []
        self.faulty_groups: set[str] = set()

    def apply(self, entries: dict[str, list[dict]]) -> None:
        """Store groups, then applications that may name them."""
        for entry in entries["group"]:
            if not self.attempt(escape_text(f"group {entry['name']}"), self.apply_group, entry):
                self.faulty_groups.add(entry["name"])
        changed = [entry for entry in entries["application"] if self.attempt_application(entry)]
        for entry in changed:  # after all: a host may move from one application of the file to another
            self.attempt(escape_text(f"application {entry['name']}"), self.check_hosts, entry)

    def attempt_application(self, entry: dict) -> bool:
        """Store an application and its secrets."""
        label = escape_text(f"application {entry['name']}")
        secrets = self.read_secrets(label, entry.get("secrets", []))
        if not self.attempt(label, self.apply_application, entry):
            return False
        for name, secret in secrets:
            self.attempt(f"{label}: secrets", self.add_secret, entry, name, secret)
        return True

    def attempt(self, label: str, act: Callable, *values: Any) -> bool:
        """Do an act, and tell whether it had no fault."""
        try:
            act(*values)
        except InvalidFields as error:
            self.faults += [f"{label}: {name}: {text}" for name, text in error.problems.items()]
            return False
        except TooManySecrets:
            self.faults.append(f"{label}: two are in use already; expire one first")
            return False
        return True

    def apply_group(self, entry: dict) -> None:
        """Store a group."""
        fields = groups.clean_group(entry)
        try:
            group = groups.lock_group(fields["name"])
        except Code:
            after = write_group(groups.add_group(fields))
            self.note("group", entry, {}, after)
            return
        before = write_group(group)
        changes = groups.change_group(group, fields)
        self.note("group", entry, before, write_group(group), changes)

    def apply_application(self, entry: dict) -> None:
        """Store an application without its secrets."""
        values = {key: value for key, value in entry.items() if key != "secrets"}
        if isinstance(values.get("groups"), list):
            known = [name for name in values["groups"] if not (isinstance(name, str) and name in self.faulty_groups)]
            values["groups"] = known
        try:
            application = catalogue.find_application(entry["name"])
        except Code:
            added = catalogue.add_application(catalogue.clean_application(values))
            self.note("application", entry, {}, write_application(added))
            return
        before = write_application(application)
        changes = catalogue.change_application(application, catalogue.clean_application(values, application))
        self.note("application", entry, before, write_application(application), changes)

    def check_hosts(self, entry: dict) -> None:
        """Raise InvalidFields if another application has one of its hosts."""
        catalogue.check_hosts(catalogue.find_application(entry["name"]))

    def note(self, kind: str, entry: dict, before: dict, after: dict, changes: list[str] | None = None) -> None:
        """Keep and record what has changed."""
        lines = [
            f"{key}: {json.dumps(after[key], ensure_ascii=False)}"
            if not before
            else f"{key}: {json.dumps(before[key], ensure_ascii=False)} -> {json.dumps(after[key], ensure_ascii=False)}"
            for key in after
            if key in entry and key != "name" and before.get(key) != after[key]
        ]
        self.differences.append(Difference(kind, after["name"], not before, lines))
        if not before:
            audit.record(f"{kind}.create", self.by, details={kind: after["name"]})
        elif changes:
            audit.record(f"{kind}.edit", self.by, details={kind: after["name"], "fields": changes})

    def read_secrets(self, label: str, listed: Any) -> list[tuple[str, str]]:
        """Return variables and their values, and note faults."""
        if not isinstance(listed, list):
            self.faults.append(f"{label}: secrets must be a list")
            return []
        secrets = []
        for entry in listed:
            try:
                secrets.append(self.read_secret(entry))
            except ValueError as error:
                self.faults.append(f"{label}: secrets: {error}")
        return secrets

    def read_secret(self, entry: Any) -> tuple[str, str]:
        """Return a variable and its value.

        :raises ValueError: when it can't be a secret, never quoting it.
        """
        match = VARIABLE.fullmatch(entry) if isinstance(entry, str) else None
        if match is None:
            raise ValueError("write ${VAR}, not the secret")
        name = match[1]
        try:
            value = self.variable(name)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
        if not value:
            raise ValueError(f"{name} is not set")
        if len(value) < SHORTEST_SECRET:
            raise ValueError(f"{name} needs {SHORTEST_SECRET} characters or more")
        return name, value

    def add_secret(self, entry: dict, variable: str, secret: str) -> None:
        """Store a secret that is not there yet.

        One that has expired stays so.
        """
        application = catalogue.find_application(entry["name"])
        if application_secrets.has_secret(application, secret):
            return
        application_secrets.add_secret(application, secret)
        details = {"application": application.name, "hint": secret[-application_secrets.SHOWN :]}
        audit.record("secret.make", self.by, details=details)
        difference = next(item for item in self.differences if (item.kind, item.name) == ("application", entry["name"]))
        difference.changes.append(f"secrets: ${{{variable}}} is new")
