"""Rooms use only earlier rooms, and nothing of the sandbox."""

import subprocess
import sys

import pytest
from repository import ROOT, read_modules
from structure import get_room

ROOMS = [
    "errors",
    "text",
    "files",
    "clocks",
    "settings",
    "logs",
    "metrics",
    "database",
    "models",
    "stored_counts",
    "audit",
    "endings",
    "health",
    "providers",
    "directory",
    "elements",
    "accounts",
    "signin",
    "bindings",
    "applications",
    "monitoring",
    "pages",
    "processes",
    "commands",
    "maintenance",
    "trial",
]


def list_rooms(module):
    """Return what a module imports, by the names of rooms."""
    return {get_room(name) for _, name in module.imports}


def list_packages(module):
    """Return the top-level packages a module imports."""
    return {name.split(".")[0] for _, name in module.imports}


@pytest.mark.parametrize("module", read_modules("portal"), ids=lambda module: module.name)
def test_imports_run_one_way(module):
    if module.dotted == "portal":
        assert module.imports == []
        return
    room = module.dotted.split(".")[1]
    later = {f"portal.{name}" for name in ROOMS[ROOMS.index(room) + 1 :]}
    assert list_rooms(module) & later == set()
    assert list_packages(module) & {"app", "config", "sandbox"} == set()


def test_the_map_names_every_room():
    rooms = {
        path.name.removesuffix(".py") for path in (ROOT / "portal").iterdir() if path.suffix == ".py" or path.is_dir()
    }
    assert rooms - {"__init__", "__pycache__"} == set(ROOMS)


@pytest.mark.parametrize("module", read_modules("sandbox"), ids=lambda module: module.name)
def test_the_sandbox_uses_nothing_of_the_portals(module):
    assert list_packages(module) & {"portal", "app", "config", "jit"} == set()


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
    """A wrong setting fails `create_app()`, not the import."""
    environ = {"PORTAL_SESSION_IDLE": "nonsense", "PYTHONPATH": str(ROOT)}
    for script, ends in (("import app", 0), ("import app; app.create_app()", 1)):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environ, cwd="/")
        assert done.returncode == ends, done.stderr
        assert ("PORTAL_SESSION_IDLE must be" in done.stderr) == bool(ends)
