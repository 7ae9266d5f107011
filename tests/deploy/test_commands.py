"""The commands that an installation brings: portal-flask and portal-postgres."""

import os
import shutil
import subprocess
import sys

import pytest
from support.installation import make_program
from support.portal_app import ROOT

LINES = {  # what systemd makes of them
    "blanks": ("A=Acme Login", "Acme Login"),
    "what a shell would run": ("A=Acme & Sons; (a|b) > c *", "Acme & Sons; (a|b) > c *"),
    "a variable": ("A=$HOME ${HOME} $(id) `id`", "$HOME ${HOME} $(id) `id`"),
    "a quoted variable": ('A="$HOME \\$5"', "$HOME $5"),
    "quotes inside": ('A=It\'s "ours"', 'It\'s "ours"'),
    "double quotes": (r'A="Acme; \"Login\" \\ \n "  ', r'Acme; "Login" \ \n '),
    "single quotes": (r"""A='Acme "Login" \ '""", r'Acme "Login" \ '),
    "quoted parts": ("""A="a" 'b'c""", "abc"),
    "backslashes": (r"A=a\ b\\c", r"a b\c"),
    "two lines": ("A=one\\\ntwo", "onetwo"),
    "two quoted lines": ('A="one\nB=two"', "one\nB=two"),
    "signs of comments": ("A=a#b ;c # d", "a#b ;c # d"),
    "blanks around": ("  A = a  ", "a"),
    "an equals sign": ("A=a=b", "a=b"),
    "no value": ("A=", ""),
}
PASSWORD = "p@ss w/o:rd%&$"
WRITTEN = "p%40ss%20w%2Fo%3Ard%25%26%24"


class Machine:
    """The commands of an installation, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        for place in ("bin", "etc/portal", "opt/portal/.venv/bin"):
            (folder / place).mkdir(parents=True)
        for name in ("portal-flask", "portal-postgres"):
            self.install(name)
        make_program(folder / "bin/runuser", '[ "$1 $2 $3" = "-u portal --" ] && shift 3 && exec "$@"')
        show = 'printf "%s\\0" "IN=$(pwd)" "WORDS=$*" && env -0'
        make_program(folder / "opt/portal/.venv/bin/flask", show)
        make_program(folder / "bin/show", show)

    def install(self, name):
        text = (ROOT / "deploy" / name).read_text().replace("/opt/portal/.venv/bin/python", sys.executable)
        for place in ("/opt/portal", "/etc/portal"):
            text = text.replace(place, f"{self.folder}{place}")
        (self.folder / "bin" / name).write_text(text)
        shutil.copymode(ROOT / "deploy" / name, self.folder / "bin" / name)

    def write(self, name, text):
        (self.folder / "etc/portal" / name).write_text(text)

    def run(self, *words):
        environ = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": "/nowhere"}
        command = [str(self.folder / "bin" / words[0]), *words[1:]]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)

    def read_environment(self, *words):
        """Return the environment that a command hands over, and IN which folder with which WORDS."""
        done = self.run(*words)
        assert (done.returncode, done.stderr) == (0, "")
        return dict(item.split("=", 1) for item in done.stdout.split("\0") if item)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(("line", "value"), LINES.values(), ids=LINES)
def test_a_setting_is_read_as_systemd_reads_it(machine, line, value):
    machine.write("portal.env", f"# C=comment\n; C=comment\n\n{line}\nPORTAL_LAST=1\n")
    environment = machine.read_environment("portal-flask", "doctor")
    assert (environment["A"], environment["PORTAL_LAST"]) == (value, "1")
    assert not {"B", "C"} & set(environment)


def test_flask_gets_its_words_and_the_folder_of_the_portal(machine):
    machine.write("portal.env", "PORTAL_ENV=development\n")
    environment = machine.read_environment("portal-flask", "create-admin", "root")
    assert environment["WORDS"] == "create-admin root"
    assert environment["IN"] == str(machine.folder / "opt/portal")
    assert environment["PORTAL_ENV"] == "production"


def test_missing_settings_are_told_in_one_line(machine):
    done = machine.run("portal-flask", "doctor")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("portal-flask: ") and "portal.env" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql", "postgres"])
def test_a_program_of_postgresql_gets_the_password_in_its_environment(machine, scheme):
    machine.write("database_url", f"{scheme}://portal:{WRITTEN}@db.example.com:5433/logins?sslmode=verify-full\n")
    environment = machine.read_environment("portal-postgres", "show", "--file=x")
    assert environment["WORDS"] == "--file=x"
    settings = {name: value for name, value in environment.items() if name.startswith("PG")}
    expected = {"PGHOST": "db.example.com", "PGPORT": "5433", "PGUSER": "portal", "PGDATABASE": "logins"}
    assert settings == {**expected, "PGPASSWORD": PASSWORD, "PGSSLMODE": "verify-full"}


@pytest.mark.parametrize("address", ["sqlite:////opt/portal/instance/portal.db", f"postgresql://x:{WRITTEN}%@[/y"])
def test_an_address_that_is_no_good_is_told_without_its_password(machine, address):
    machine.write("database_url", address)
    done = machine.run("portal-postgres", "show")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("portal-postgres: ") and len(done.stderr.splitlines()) == 1
    assert WRITTEN not in done.stderr
