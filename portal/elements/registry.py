"""Reads `auths/loginTypes/` once at the start.

Below it are Types, overridden Types and instances, each in its folder.
"""

import importlib.util
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authlib.integrations.flask_client import OAuth
from flask import Flask

from portal.elements.doctor import Doctor
from portal.elements.feishu.type import FSInnerType
from portal.elements.meta import Meta
from portal.elements.wecom.type import QywxInnerType
from portal.errors import NO_SUCH_PAGE, SETTING_MISSING, SETTING_WRONG, Code
from portal.logs import log_event

log = logging.getLogger(__name__)

PREFIX = "auths.loginTypes."
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
RESERVED = ("once", "waiting")  # below /login/ these are no elements
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class Broken:
    """An element that can't be used, and the reason."""

    name: str
    title: str
    problem: Code
    isActive: bool = True
    doctor = Doctor

    @property
    def label(self) -> str:
        return self.title


class Elements:
    """All elements of an app.

    :param app: the Flask app; it gets `oauth`, Authlib's registry of clients.
    :param folder: the folder that holds `auths/`.
    :param variable: called with a name used as `${NAME}`; its value, or `None` when unset.
    """

    def __init__(self, app: Flask, folder: Path, variable: Callable[[str], str | None]):
        self.app, self.root, self.variable = app, folder / "auths" / "loginTypes", variable
        app.oauth = OAuth(app)
        self.types: dict[str, type[Meta]] = {"Meta": Meta, "FSInnerType": FSInnerType, "QywxInnerType": QywxInnerType}
        self.broken_types: dict[str, Code] = {}
        self.instances: dict[str, Meta | Broken] = {}
        folders = (
            sorted(path for path in self.root.iterdir() if (path / "e.json").is_file()) if self.root.is_dir() else []
        )
        self.pending = {path.name: path for path in folders if (path / "__init__.py").is_file()}
        for name in list(self.pending):
            self.load_type(name)
        for path in folders:
            if not (path / "__init__.py").is_file():
                self.instances[path.name] = self.load_instance(path)

    def get(self, full_name: str) -> Meta | type[Meta]:
        """Return the element, or the Type, of a full name.

        :raises Code: SETTING_MISSING unknown or incomplete, SETTING_WRONG.
        """
        name = full_name.removeprefix(PREFIX) if full_name.startswith(PREFIX) else ""
        if name in self.broken_types:
            raise self.broken_types[name]
        element = self.instances.get(name) or self.types.get(name)
        if element is None:
            raise Code(SETTING_MISSING, f"there is no element {full_name!r} below {PREFIX}")
        if isinstance(element, Broken):
            raise element.problem
        return element

    def find_active(self, name: str) -> Meta:
        """Return a usable element by its name.

        :raises Code: NO_SUCH_PAGE unknown or switched off; SETTING_MISSING or SETTING_WRONG broken.
        """
        element = self.instances.get(name)
        if element is None or not element.isActive:
            raise Code(NO_SUCH_PAGE, "there is no such element, or it is switched off")
        if isinstance(element, Broken):
            raise element.problem
        return element

    def list_shown(self) -> list[Meta | Broken]:
        """Return the elements that the login page lists.

        These are all but those switched off.
        """
        return [element for element in self.instances.values() if element.isActive]

    def list_usable(self) -> list[Meta]:
        return [element for element in self.list_shown() if not isinstance(element, Broken)]

    def list_named(self, names: Iterable[str]) -> list[Meta | Broken]:
        """Return the configured elements of some names, broken ones too.

        :param names: short or full names; without any, all elements are returned.
        :raises Code: SETTING_MISSING for a name that none has.
        """
        short = [name.removeprefix(PREFIX) for name in names]
        for name in short:
            if name not in self.instances:
                raise Code(
                    SETTING_MISSING, f"there is no element {name!r}; there are: {', '.join(self.instances) or 'none'}"
                )
        return [self.instances[name] for name in dict.fromkeys(short or self.instances)]

    def list_syncable(self) -> list[Meta]:
        """Return the elements with a directory to sync."""
        return [element for element in self.list_usable() if element.has_directory]

    def client_programs(self) -> dict[str, str]:
        """Return the names of the platforms' client programs.

        Keys are products in a user agent. They go before a browser's: a client is a browser, too.
        """
        return {product: name for cls in self.types.values() for product, name in cls.client_programs.items()}

    def lookalike_apps(self) -> dict[str, str]:
        """Return the apps that look like a platform's client.

        They can't sign in. Keys are products in a user agent, values are names.
        """
        return {product: name for cls in self.types.values() for product, name in cls.lookalike_apps.items()}

    def csv_names(self) -> dict[str, str]:
        """Return the words for providers in a CSV file.

        Each has its provider as its value.
        """
        return {word: cls.provider for cls in self.types.values() for word in cls.csv_names}

    def break_(self, name: str, problem: Code) -> None:
        """Take an element out of service.

        A check that needed the whole app has failed.
        """
        log_broken("element", name, problem)
        self.instances[name] = Broken(name, self.instances[name].title, problem)

    # Reading

    def load_type(self, name: str) -> None:
        """Load a developer's own Type from its folder.

        One named like an official Type replaces it.
        """
        path = self.pending.pop(name, None)
        if path is None:
            return
        try:
            self.check_name(path)
            base = self.read_required(path, self.read(path / "e.json"), "type")
            self.load_type(base.removeprefix(PREFIX))  # the one it builds on goes first
            if base != f"{PREFIX}{name}":
                self.get(base)
            self.types[name] = self.import_type(name, path)
        except Code as problem:
            log_broken("element type", name, problem)
            self.broken_types[name] = problem

    def import_type(self, name: str, path: Path) -> type[Meta]:
        module_name = f"{PREFIX}{name}"
        file = path / "__init__.py"
        spec = importlib.util.spec_from_file_location(module_name, file, submodule_search_locations=[str(path)])
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # it is the developer's code: anything may happen
            log_event(log, logging.ERROR, "element_fault", element=name, what="can't be imported", with_trace=True)
            raise Code(SETTING_WRONG, f"{self.relative_path(file)} can't be imported: {type(error).__name__}") from None
        cls = getattr(module, name, None)
        if not isinstance(cls, type) or not issubclass(cls, Meta):
            raise Code(SETTING_WRONG, f"{self.relative_path(file)} must export a class {name} that builds on a Type")
        return cls

    def load_instance(self, path: Path) -> Meta | Broken:
        name, title, active = path.name, path.name, True
        try:
            self.check_name(path)
            declared = self.read(path / "e.json")
            title = self.read_required(path, declared, "title")
            cls = self.get(self.read_required(path, declared, "type"))
            if not isinstance(cls, type) or cls is Meta:
                raise Code(SETTING_WRONG, f"{self.relative_path(path / 'e.json')}: type must name a Type with a login")
            raw = self.parse(path / f"{name}.json")
            active = raw.get("isActive", True) is not False  # also where a variable of it is no longer set
            element = cls(self.app, name, title, self.fill(path / f"{name}.json", raw))
            element.check()
            return element
        except Code as error:
            problem = error
        except Exception as error:  # a developer's own Type: anything may happen
            log_event(log, logging.ERROR, "element_fault", element=name, what="fails at its start", with_trace=True)
            problem = Code(SETTING_WRONG, f"element {name} fails at its start: {type(error).__name__}")
        log_broken("element", name, problem, logging.ERROR if active else logging.INFO)
        return Broken(name, title, problem, active)

    def read_required(self, path: Path, declared: dict, key: str) -> str:
        value = declared.get(key)
        if not isinstance(value, str) or not value.strip():
            raise Code(SETTING_MISSING, f"{self.relative_path(path / 'e.json')}: {key} is missing")
        return value.strip()

    def check_name(self, path: Path) -> None:
        if not NAME.fullmatch(path.name) or path.name in RESERVED:
            raise Code(SETTING_WRONG, f"{self.relative_path(path)}: an element can't have this name")

    def read(self, file: Path) -> dict:
        """Return the JSON object in a file, variables filled in."""
        return self.fill(file, self.parse(file))

    def parse(self, file: Path) -> dict:
        try:
            content = json.loads(file.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise Code(SETTING_MISSING, f"{self.relative_path(file)} is missing") from None
        except (OSError, ValueError, RecursionError) as error:
            raise Code(
                SETTING_WRONG, f"{self.relative_path(file)} can't be read as JSON: {type(error).__name__}"
            ) from None
        if not isinstance(content, dict):
            raise Code(SETTING_WRONG, f"{self.relative_path(file)} must hold a JSON object")
        return content

    def fill(self, file: Path, content: dict) -> dict:
        return {key: self.fill_value(file, key, value) for key, value in content.items()}

    def fill_value(self, file: Path, key: str, value: Any) -> Any:
        """Return a value with the variables in its texts replaced.

        These are `${NAME}`, and `${NAME:-default}` with a default.
        """
        if isinstance(value, dict):
            return {inner: self.fill_value(file, f"{key}.{inner}", item) for inner, item in value.items()}
        if isinstance(value, list):
            return [self.fill_value(file, key, item) for item in value]
        if not isinstance(value, str):
            return value

        def replace(match: re.Match) -> str:
            name, default = match.groups()
            try:
                replacement = self.variable(name)
            except ValueError as error:
                raise Code(SETTING_WRONG, f"{self.relative_path(file)}: {key}: variable {name} {error}") from None
            if not replacement and default is None:
                raise Code(
                    SETTING_MISSING, f"{self.relative_path(file)}: {key} needs the variable {name}, which is not set"
                )
            return replacement or default

        return VARIABLE.sub(replace, value)

    def relative_path(self, path: Path) -> str:
        return path.relative_to(self.root.parent.parent).as_posix()


def log_broken(kind: str, name: str, problem: Code, level: int = logging.ERROR) -> None:
    """Log that an element or a type can't be used."""
    log_event(log, level, "element_broken", kind=kind, element=name, number=problem.code, reason=problem.reason)
