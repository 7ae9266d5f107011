"""The repository's files, with Python files parsed once."""

import ast
import re
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ROUTE_METHODS = {"route", "get", "post", "put", "patch", "delete"}


class Offender(NamedTuple):
    """One place that a figure counts."""

    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Measured(NamedTuple):
    """A figure's value with the places behind it.

    There is no value when it can't be measured here.
    """

    value: float | None
    offenders: list[Offender]
    reason: str = ""  # why there is no value

    @classmethod
    def count(cls, offenders: list[Offender]) -> "Measured":
        return cls(len(offenders), sorted(offenders))

    @classmethod
    def share(cls, offenders: list[Offender], total: int, of: int = 100) -> "Measured":
        """Return the offenders per hundred, or per any other number."""
        return cls(of * len(offenders) / max(total, 1), sorted(offenders))


class Function(NamedTuple):
    """A function and where it is defined."""

    module: "Module"
    node: ast.FunctionDef
    parents: tuple[ast.AST, ...]  # the classes and functions around it, outermost first

    @property
    def is_method(self) -> bool:
        return bool(self.parents) and isinstance(self.parents[-1], ast.ClassDef)

    @property
    def is_nested(self) -> bool:
        return any(isinstance(parent, FUNCTIONS) for parent in self.parents)

    @property
    def is_property(self) -> bool:
        return any("property" in ast.unparse(decorator) for decorator in self.node.decorator_list)

    @property
    def is_route(self) -> bool:
        return is_route(self.node)

    def list_parameters(self) -> list[ast.arg]:
        """Return the named parameters, without `self` and `cls`."""
        arguments = self.node.args
        parameters = [*arguments.posonlyargs, *arguments.args]
        if self.is_method and "staticmethod" not in [ast.unparse(decorator) for decorator in self.node.decorator_list]:
            parameters = parameters[1:]
        return [*parameters, *arguments.kwonlyargs]

    def point_at(self, text: str) -> Offender:
        return self.module.point_at(self.node, text)


class Module:
    """A parsed Python file."""

    def __init__(self, path: Path):
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @property
    def dotted(self) -> str:
        """Return the name other modules import it by."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def point_at(self, node: ast.AST, text: str) -> Offender:
        return Offender(self.name, getattr(node, "lineno", 1), text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Return the node around each node."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def functions(self) -> list[Function]:
        functions = []

        def visit(node, parents):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, FUNCTIONS):
                    functions.append(Function(self, child, parents))
                inside = (*parents, child) if isinstance(child, (*FUNCTIONS, ast.ClassDef)) else parents
                visit(child, inside)

        visit(self.tree, ())
        return functions

    @cached_property
    def docstrings(self) -> list[tuple[ast.Constant, str]]:
        """Return each docstring's node and its text without indentation."""
        documented = (ast.Module, ast.ClassDef, *FUNCTIONS)
        return [
            (node.body[0].value, text)
            for node in self.nodes
            if isinstance(node, documented) and (text := ast.get_docstring(node))
        ]

    @cached_property
    def imports(self) -> list[tuple[ast.AST, str]]:
        """Return each import's node and the full name it imports."""
        imports = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                imports += [(node, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imports += [(node, f"{node.module}.{alias.name}") for alias in node.names]
        return imports


def is_route(node: ast.FunctionDef) -> bool:
    """Tell whether a blueprint's route decorates the function."""
    return any(
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in ROUTE_METHODS
        for decorator in node.decorator_list
    )


def list_files(folder: str, pattern: str = "*.py") -> list[Path]:
    """Return the files below a folder, without caches."""
    return sorted(path for path in (ROOT / folder).rglob(pattern) if "__pycache__" not in path.parts and path.is_file())


@cache
def read_modules(folder: str) -> list[Module]:
    """Return the modules below a folder."""
    return [Module(path) for path in list_files(folder)]


def read_functions(folder: str) -> list[Function]:
    """Return every function and method below a folder."""
    return [function for module in read_modules(folder) for function in module.functions]


def split_words(text: str) -> list[str]:
    """Return the words of a text, split at whitespace."""
    return re.findall(r"\S+", text)
