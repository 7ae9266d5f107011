"""Messages about wrong settings.

There is a line for each, no traceback, and the nearest right name.
"""

import os
import re
import subprocess
import sys

import pytest
from support.portal_app import ROOT

import config

GOOD = [
    "redis://h",
    "redis://h:6379/0",
    "rediss://:p%40ss@cache.example.com:6380/15",
    "redis://[::1]:6379/",
    "rediss://u:p@h",
]


def read_refusal(environ, folder):
    with pytest.raises(config.BadSettings) as error:
        config.load(environ, folder)
    return str(error.value).splitlines()


@pytest.mark.parametrize("url", GOOD)
def test_good_addresses_of_redis_are_taken(tmp_path, url):
    assert config.load({"PORTAL_REDIS_URL": url}, tmp_path)["PORTAL_REDIS_URL"] == url


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PORTAL_SESION_IDLE", "PORTAL_SESSION_IDLE"),
        ("PORTAL_SECRETKEY", "PORTAL_SECRET_KEY"),
        ("PORTAL_SECRETKEY_FILE", "PORTAL_SECRET_KEY_FILE"),
        ("PORTAL_DATABASE", "PORTAL_DATABASE_URL"),
        ("PORTAL_ENCRYPTION_KEY", "PORTAL_ENCRYPTION_KEYS"),
        ("PORTAL_UNKNOWN_PEOPLE_", "PORTAL_UNKNOWN_PEOPLE"),
        ("PORTAL_Title", "PORTAL_TITLE"),
        ("PORTAL_SYNC", "PORTAL_SYNC_EVERY"),
        ("PORTAL_PORT", "PORTAL_"),
        ("PORTAL_", "PORTAL_"),
    ],
)
def test_the_warning_of_an_unknown_name_has_the_nearest(tmp_path, name, meant):
    config.load({name: "60"}, tmp_path)
    [line] = config.check_names({name: "60"}, tmp_path)
    assert line.startswith(f"{name} is no setting; did you mean {meant}")


def test_a_portal_starts_with_an_unknown_name_and_warns(make_portal, caplog):
    make_portal(PORTAL_SESION_IDLE="60")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["PORTAL_SESION_IDLE is no setting; did you mean PORTAL_SESSION_IDLE?"]


def test_unknown_names_are_reported_with_wrong_values(tmp_path):
    lines = read_refusal({"PORTAL_SESION_IDLE": "60", "PORTAL_ENV": "staging", "PORTAL_TITEL": "x"}, tmp_path)
    assert [line.split()[0] for line in lines] == ["PORTAL_ENV", "PORTAL_SESION_IDLE", "PORTAL_TITEL"]


@pytest.mark.parametrize(
    "environ",
    [
        {"PORTAL_SESION_IDLE": ""},
        dict.fromkeys(config.OTHER_NAMES, "x"),
        {f"{name}_FILE": "/run/secrets/x" for name in config.OTHER_NAMES},
        {"portal_title": "x", "MY_PORTAL_TITLE": "x"},
        {"PORTAL_SERVICE_HOST": "10.0.0.1", "PORTAL_SERVICE_PORT_HTTP": "80", "PORTAL_PORT": "tcp://10.0.0.1:80"}
        | {"PORTAL_PORT_80_TCP": "tcp://10.0.0.1:80", "PORTAL_PORT_80_TCP_ADDR": "10.0.0.1"},
        {"PORTAL_REDIS_SERVICE_HOST": "10.0.0.2", "PORTAL_REDIS_PORT": "tcp://10.0.0.2:6379"}
        | {"PORTAL_REDIS_PORT_6379_TCP_PORT": "6379", "PORTAL_REDIS_SERVICE_PORT": "6379"},
    ],
    ids=["empty", "of the tests", "their files", "others", "kubernetes", "a service beside"],
)
def test_harmless_names_are_ignored(tmp_path, environ):
    assert config.check_names(environ, tmp_path) == []


def test_a_variable_of_an_elements_file_may_have_any_name(tmp_path):
    folder = tmp_path / "auths" / "loginTypes" / "X"
    folder.mkdir(parents=True)
    (folder / "X.json").write_text('{"appId": "${PORTAL_FEISHU_ID}", "appSecret": "${PORTAL_FEISHU_SECRET:-}"}')
    environ = {"PORTAL_APP_DIR": str(tmp_path), "PORTAL_FEISHU_ID": "x", "PORTAL_FEISHU_SECRET_FILE": "/run/x"}
    assert config.check_names(environ, tmp_path) == []
    [line] = config.check_names({**environ, "PORTAL_FEISHU_NAME": "x"}, tmp_path)
    assert line.startswith("PORTAL_FEISHU_NAME is no setting")


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "instance").write_text("a file stands in the way")
    lines = read_refusal({}, tmp_path / "instance")
    assert [line.split()[0] for line in lines] == [
        "PORTAL_SECRET_KEY",
        "PORTAL_ENCRYPTION_KEYS",
        "PORTAL_DATABASE_URL",
    ]
    assert "can be kept in" in lines[0]


def test_a_damaged_key_file_is_reported(tmp_path):
    (tmp_path / "encryption_key").write_text("half a key")
    [line] = read_refusal({}, tmp_path)
    assert line.startswith(f"PORTAL_ENCRYPTION_KEYS in {tmp_path} must be a comma list of Fernet keys")


COMMANDS = [
    ["flask"],
    ["flask", "--help"],
    ["flask", "doctor"],
    ["flask", "create-admin", "x"],
    ["flask", "db", "upgrade"],
    ["flask", "sync"],
    ["flask", "worker"],
    ["flask", "up"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_print_a_line_for_each_and_exit_with_2(words):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert_told(done.stderr.splitlines())


def test_gunicorn_prints_the_lines_and_ends():
    done = run("gunicorn", "--bind", "127.0.0.1:0", "app:create_app()")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert_told([line for line in done.stderr.splitlines() if line.startswith("PORTAL_")])


def assert_told(lines):
    assert lines == [
        "PORTAL_REDIS_URL must start with redis:// or rediss:// and a host, such as redis://127.0.0.1:6379/0",
        "PORTAL_SESION_IDLE is no setting; did you mean PORTAL_SESSION_IDLE?",
    ]


def run(*words):
    clean = {key: value for key, value in os.environ.items() if not re.match("PORTAL_|FLASK_", key)}
    environ = {**clean, "PORTAL_SESION_IDLE": "60", "PORTAL_REDIS_URL": "localhost:6379"}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
