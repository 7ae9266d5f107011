"""Figures of the files, signatures, imports and templates."""

import ast
from collections import defaultdict

from repository import ROOT, Function, Measured, Module, Offender, list_files, read_functions, read_modules

LONGEST_FILE = 300  # lines
MOST_PARAMETERS = 5
QUERY_NAMES = {"select", "delete", "insert", "update"}


def count_wide_lines(length: int) -> Measured:
    """Measure the share of template lines over some length."""
    total, offenders = 0, []
    for path in list_files("templates", "*.html"):
        lines = path.read_text(encoding="utf-8").splitlines()
        total += len(lines)
        name = path.relative_to(ROOT).as_posix()
        offenders += [
            Offender(name, number, f"{len(line)} characters: {line.strip()[:60]}…")
            for number, line in enumerate(lines, 1)
            if len(line) > length
        ]
    return Measured.share(offenders, total)


def count_long_files(folder: str) -> Measured:
    """Count Python files over 300 lines."""
    lengths = {module: len(module.lines) for module in read_modules(folder)}
    return Measured.count(
        [Offender(module.name, 1, f"{lines} lines") for module, lines in lengths.items() if lines > LONGEST_FILE]
    )


def count_untyped_functions() -> Measured:
    """Count public functions that lack an annotation, routes apart."""
    offenders = []
    for function in read_functions("portal"):
        missing = list_missing_annotations(function) if is_public(function) and not function.is_route else []
        if missing:
            offenders.append(function.point_at(f"{function.node.name}() lacks {', '.join(missing)}"))
    return Measured.count(offenders)


def is_public(function: Function) -> bool:
    """Tell whether neither the function nor its class is private."""
    names = [function.node.name, *(parent.name for parent in function.parents)]
    return not function.is_nested and not any(name.startswith("_") for name in names)


def list_missing_annotations(function: Function) -> list[str]:
    """Return the parameters without an annotation, and `return`."""
    arguments = function.node.args
    parameters = [*function.list_parameters(), *filter(None, (arguments.vararg, arguments.kwarg))]
    missing = [parameter.arg for parameter in parameters if parameter.annotation is None]
    return missing if function.node.returns else [*missing, "return"]


def count_long_signatures() -> Measured:
    """Count functions with more than five parameters."""
    counts = [(function, len(function.list_parameters())) for function in read_functions("portal")]
    return Measured.count(
        [
            function.point_at(f"{function.node.name}() has {count} parameters")
            for function, count in counts
            if count > MOST_PARAMETERS
        ]
    )


def count_circular_imports() -> Measured:
    """Count imports between rooms that lead back to their start.

    `test_rooms.py` fixes the order of the rooms; this holds in any order.
    """
    imports = [
        (module, node, get_room(module.dotted), get_room(name))
        for module in read_modules("portal")
        for node, name in module.imports
        if name.startswith("portal.") and get_room(name) != get_room(module.dotted)
    ]
    uses = defaultdict(set)
    for _, _, user, used in imports:
        uses[user].add(used)
    return Measured.count(
        [
            module.point_at(node, f"{used} uses {user} in turn")
            for module, node, user, used in imports
            if user in find_reachable(used, uses)
        ]
    )


def get_room(name: str) -> str:
    """Return a module's room, such as `portal.pages`."""
    return ".".join(name.split(".")[:2])


def find_reachable(start: str, uses: dict[str, set[str]]) -> set[str]:
    """Return what a room uses, directly and through others."""
    rooms, waiting = set(), [start]
    while waiting:
        fresh = uses[waiting.pop()] - rooms
        rooms |= fresh
        waiting += fresh
    return rooms


def count_imported_views() -> Measured:
    """Count imports of a view module below portal/."""
    views = {module.dotted for module in list_views()}
    return Measured.count(
        [
            module.point_at(node, f"imports the view {view}")
            for module in read_modules("portal")
            for node, view in {
                (node, view) for node, name in module.imports for view in views & {name, name.rpartition(".")[0]}
            }
            if view != module.dotted
        ]
    )


def count_view_queries() -> Measured:
    """Count the statements that view modules build or run themselves."""
    return Measured.count(
        [
            module.point_at(node, ast.unparse(node)[:80])
            for module in list_views()
            for node in module.nodes
            if is_query(node)
        ]
    )


def is_query(node: ast.AST) -> bool:
    """Tell whether a node is a statement or the session."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in QUERY_NAMES
    return isinstance(node, ast.Attribute) and ast.unparse(node).endswith("db.session")


def list_views() -> list[Module]:
    """Return the modules below portal/pages/ that define a route."""
    return [
        module
        for module in read_modules("portal")
        if module.name.startswith("portal/pages/") and any(function.is_route for function in module.functions)
    ]
