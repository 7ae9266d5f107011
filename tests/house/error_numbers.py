"""The figure of error numbers written without their name."""

import ast
from collections import defaultdict

from repository import ROOT, Measured, Module, read_modules

TABLE = "portal/errors.py"
SMALLEST = 10_000  # HTTP statuses are below
# Only these rooms know numbers that are a platform's own; some are the same as the table's.
PLATFORM_ROOMS = ("portal/elements/", "portal/providers/")


def count_bare_numbers() -> Measured:
    """Count numbers of the error table written outside it.

    A platform's own numbers don't count where it is plain that they are: as keys of a translation table, compared
    with `.native`, or under a name that is only used so.
    """
    numbers, uses = read_table(), find_uses()
    return Measured.count(
        [
            module.point_at(node, module.lines[node.lineno - 1].strip())
            for module in read_modules("portal")
            if module.name != TABLE
            for node in module.nodes
            if is_number(node, numbers, module)
            and not (module.name.startswith(PLATFORM_ROOMS) and is_native(node, module, uses))
        ]
    )


def read_table() -> set[int]:
    """Return the numbers of the error table."""
    tree = ast.parse((ROOT / TABLE).read_text(encoding="utf-8"))
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {value for value in constants if type(value) is int and value >= SMALLEST}


def is_number(node: ast.AST, numbers: set[int], module: Module) -> bool:
    """Tell whether a node is one of these numbers.

    One with an underscore is a quantity.
    """
    if not isinstance(node, ast.Constant) or type(node.value) is not int or node.value not in numbers:
        return False
    written = module.lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset]
    return written.decode() == str(node.value)


def find_uses() -> dict[str, list[tuple[ast.AST, Module]]]:
    """Return where portal/ reads each name or attribute."""
    uses = defaultdict(list)
    for module in read_modules("portal"):
        for node in module.nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                uses[get_name(node)].append((node, module))
    return uses


def is_native(node: ast.AST, module: Module, uses: dict, followed: frozenset[str] = frozenset()) -> bool:
    """Tell whether a number is used as a platform's own.

    :param node: the number, or a name that holds it.
    :param followed: the names looked through on the way to this one.
    """
    parent = module.parents[node]
    match parent:
        case ast.Dict():
            return node in parent.keys
        case ast.Compare():
            return any(get_name(side) == "native" for side in (parent.left, *parent.comparators))
        case ast.Call(func=ast.Attribute(attr="fromkeys")):
            return node is parent.args[0]
        case ast.Call(func=ast.Attribute(attr="in_", value=column)):
            return get_name(column) == "native"
        case ast.Tuple() | ast.List() | ast.Set() | ast.Starred() | ast.Call(func=ast.Name(id="range")):
            return is_native(parent, module, uses, followed)
        case ast.Assign() | ast.AnnAssign():
            targets = [target for target in ast.walk(parent) if isinstance(getattr(target, "ctx", None), ast.Store)]
            names = {get_name(target) for target in targets} - {None}
            return all(_is_read_as_native(name, uses, followed | names) for name in names - followed)
    return False


def _is_read_as_native(name: str, uses: dict, followed: frozenset[str]) -> bool:
    return bool(uses[name]) and all(is_native(*use, uses, followed) for use in uses[name])


def get_name(node: ast.AST) -> str | None:
    """Return the name a node reads or sets, without what is before a dot."""
    return getattr(node, "attr", getattr(node, "id", None))
