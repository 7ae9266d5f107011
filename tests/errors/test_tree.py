"""The docstring of `portal.errors` draws the tree of exceptions."""

import re
from importlib import import_module
from pkgutil import walk_packages

import requests

import portal
from portal import errors

BASES = {
    "requests.ConnectionError": requests.ConnectionError,
    "requests.exceptions.SSLError": requests.exceptions.SSLError,
}
LINE = re.compile(r"((?: {4})+)([A-Za-z.]+)(?: {2,}(.+))?")


def list_exceptions():
    """Return the portal's exception classes and their bases."""
    modules = [import_module(module.name) for module in walk_packages(portal.__path__, "portal.")]
    classes = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseException) and value.__module__.startswith("portal.")
    }
    names = {base: name for name, base in BASES.items()}
    return {(cls.__name__, names.get(base, base.__name__)) for cls in classes for base in cls.__bases__}


def read_tree():
    """Return each drawn class with its base, and all lines."""
    pairs, lines, above = set(), [], {}
    for line in errors.__doc__.splitlines():
        match = LINE.fullmatch(line)
        if match:
            depth, name = len(match[1]) // 4, match[2]
            above[depth] = name
            lines.append((depth, name, match[3]))
            if depth > 1:
                pairs.add((name, above[depth - 1]))
    return pairs, lines


def test_the_tree_is_complete_and_true():
    pairs, _ = read_tree()
    assert pairs == list_exceptions()


def test_every_class_has_one_line_with_its_meaning():
    _, lines = read_tree()
    names = [name for _depth, name, _meaning in lines]
    assert len(names) == len(set(names))
    assert [name for depth, name, meaning in lines if (depth > 1) != bool(meaning)] == []


def test_siblings_stand_in_alphabetical_order():
    _, lines = read_tree()
    last = {}
    for depth, name, _meaning in lines:
        last = {level: above for level, above in last.items() if level <= depth}
        assert depth == 1 or last.get(depth, "") < name
        last[depth] = name
