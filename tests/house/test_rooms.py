"""The house's rules: rooms use only what stands before them, and portal and sandbox share nothing."""

import ast
import subprocess
import sys

import pytest
from support.portal_app import ROOT

ROOMS = [
    "errors",
    "text",
    "files",
    "clocks",
    "database",
    "models",
    "audit",
    "endings",
    "health",
    "providers",
    "directory",
    "elements",
    "accounts",
    "signin",
    "bindings",
    "pages",
    "processes",
    "commands",
]


def imports(path):
    """Return the modules a file imports, by full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files(folder):
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("path", files("portal"), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    room = path.relative_to(ROOT / "portal").parts[0].removesuffix(".py")
    if room == "__init__":
        assert imports(path) == set()
        return
    later = {f"portal.{name}" for name in ROOMS[ROOMS.index(room) + 1 :]}
    used = {".".join(name.split(".")[:2]) for name in imports(path)}
    assert used & later == set()
    assert used & {"app", "config", "sandbox"} == set()


def test_the_map_names_every_room():
    found = {
        path.name.removesuffix(".py") for path in (ROOT / "portal").iterdir() if path.suffix == ".py" or path.is_dir()
    }
    assert found - {"__init__", "__pycache__"} == set(ROOMS)


@pytest.mark.parametrize("path", files("sandbox"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_sandbox_uses_nothing_of_the_portals(path):
    assert {name.split(".")[0] for name in imports(path)} & {"portal", "app", "config", "jit"} == set()


def test_the_sandbox_holds_no_file_of_the_portals():
    def contents(folder, *endings):
        return {
            path.read_bytes()
            for path in (ROOT / folder).rglob("*")
            if path.suffix in endings and path.stat().st_size > 200
        }

    endings = (".py", ".css", ".js", ".html", ".svg", ".json")
    ours = contents("portal", *endings) | contents("static", *endings) | contents("templates", *endings)
    assert ours & contents("sandbox", *endings) == set()


def test_nothing_is_read_at_import():
    """A wrong setting is an error of `create_app()`, not of the import."""
    environ = {"PORTAL_SESSION_IDLE": "nonsense", "PYTHONPATH": str(ROOT)}
    for script, ends in (("import app", 0), ("import app; app.create_app()", 1)):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environ, cwd="/")
        assert done.returncode == ends, done.stderr
        assert ("PORTAL_SESSION_IDLE must be" in done.stderr) == bool(ends)


def test_no_module_is_too_long_to_read():
    lengths = {path: len(path.read_text().splitlines()) for path in [*files("portal"), *files("sandbox")]}
    assert [str(path) for path, lines in lengths.items() if lines > 500] == []
