"""Settings are typed, and unsafe ones are refused by name."""

import stat
from datetime import datetime

import pytest

import config

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # the same in every process that collects these tests
SECRET = "0123456789 is the secret of tests"
PRODUCTION = {
    "PORTAL_ENV": "production",
    "PORTAL_SECRET_KEY": SECRET,
    "PORTAL_ENCRYPTION_KEYS": KEY,
    "PORTAL_DATABASE_URL": "postgresql://portal@db/portal",
    "PORTAL_BASE_URL": "https://login.example.com",
}


def test_every_setting_has_its_default(tmp_path):
    values = config.load({}, tmp_path)
    assert values["PORTAL_BASE_URL"] == "http://127.0.0.1:8000"
    assert values["PORTAL_DATABASE_URL"] == f"sqlite:///{tmp_path}/portal.db"
    assert (values["PORTAL_SESSION_IDLE"], values["PORTAL_SESSION_LIFETIME"]) == (7200, 43200)
    assert (values["PORTAL_UNKNOWN_PEOPLE"], values["PORTAL_TITLE"]) == ("queue", None)
    assert (values["PORTAL_TRUSTED_PROXIES"], values["PORTAL_SYNC_EVERY"]) == (0, 3600)
    assert values["PORTAL_REDIS_URL"] is None
    assert values["PORTAL_TIMEZONE"].utcoffset(datetime(2026, 7, 1)) == datetime(2026, 7, 1).astimezone().utcoffset()
    assert (values["PORTAL_BIND"], values["PORTAL_SECRET_KEY_FALLBACKS"]) == ("127.0.0.1:8000", [])
    assert (values["PORTAL_AUDIT_DAYS"], values["PORTAL_LOG"], values["PORTAL_METRICS_TOKEN"]) == (365, "text", None)


def test_development_makes_its_keys_once_for_itself_alone(tmp_path):
    first, second = config.load({}, tmp_path / "instance"), config.load({}, tmp_path / "instance")
    for name, file in (("PORTAL_SECRET_KEY", "secret_key"), ("PORTAL_ENCRYPTION_KEYS", "encryption_key")):
        assert first[name] == second[name]
        assert stat.S_IMODE((tmp_path / "instance" / file).stat().st_mode) == 0o600
    assert len(first["PORTAL_SECRET_KEY"]) >= 32
    assert sorted(path.name for path in (tmp_path / "instance").iterdir()) == ["encryption_key", "secret_key"]


def test_a_value_may_come_from_a_file(tmp_path):
    (tmp_path / "key").write_text("a" * 40 + "\n")
    assert config.load({"PORTAL_SECRET_KEY_FILE": str(tmp_path / "key")}, tmp_path)["PORTAL_SECRET_KEY"] == "a" * 40


def test_an_editors_byte_order_mark_is_ignored(tmp_path):
    """Windows' editors begin a text with U+FEFF."""
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbf" + b"a" * 40 + b"\r\n")
    (tmp_path / "title").write_bytes("\ufeff统一登录".encode())
    files = {"PORTAL_SECRET_KEY_FILE": str(tmp_path / "key"), "PORTAL_TITLE_FILE": str(tmp_path / "title")}
    values = config.load(files, tmp_path)
    assert (values["PORTAL_SECRET_KEY"], values["PORTAL_TITLE"]) == ("a" * 40, "统一登录")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PORTAL_ENV", "staging", "must be one of: development, production"),
        ("PORTAL_SECRET_KEY", "short", "must have at least 32 characters"),
        ("PORTAL_ENCRYPTION_KEYS", "not-a-key", "must be a comma list of Fernet keys"),
        ("PORTAL_ENCRYPTION_KEYS", f"{KEY},bad", "must be a comma list of Fernet keys"),
        ("PORTAL_ENCRYPTION_KEYS", f"{KEY}\n{KEY}", "must be a comma list of Fernet keys"),
        ("PORTAL_DATABASE_URL", "mysql://x", "must start with sqlite:/// and the path of a file"),
        ("PORTAL_DATABASE_URL", "sqlite:///", "must start with sqlite:/// and the path of a file"),
        ("PORTAL_DATABASE_URL", "sqlite:///:memory:", "must start with sqlite:/// and the path of a file"),
        ("PORTAL_DATABASE_URL", "sqlite:///:memory:?cache=shared", "must start with sqlite:/// and the path of a file"),
        ("PORTAL_DATABASE_URL", "sqlite:///?mode=memory", "must start with sqlite:/// and the path of a file"),
        (
            "PORTAL_DATABASE_URL",
            "sqlite:///file::memory:?uri=true",
            "must start with sqlite:/// and the path of a file",
        ),
        ("PORTAL_DATABASE_URL", "sqlite:///file:x?mode=memory&uri=true", "must start with sqlite:/// and the path of"),
        ("PORTAL_DATABASE_URL", "postgresql://u:p@h:port/x", "can't be read as a database address"),
        ("PORTAL_BASE_URL", "https://a_b.example.com", "must be an address such as"),
        ("PORTAL_BASE_URL", "https://a,b.example.com", "must be an address such as"),
        ("PORTAL_BASE_URL", "http://x y", "must be an address such as"),
        ("PORTAL_BASE_URL", "http://127.0.0.1:0", "must be an address such as"),
        ("PORTAL_SESSION_IDLE", "３００", "must be a whole number"),
        ("PORTAL_SESSION_IDLE", "1_000", "must be a whole number"),
        ("PORTAL_BASE_URL", "login.example.com", "must be an address such as"),
        ("PORTAL_BASE_URL", "https://login.example.com/portal", "must end after the host and port"),
        ("PORTAL_BASE_URL", "https://login.example.com?x=1", "must end after the host and port"),
        ("PORTAL_BASE_URL", "ftp://login.example.com", "must be an address such as"),
        ("PORTAL_BASE_URL", "https://user@login.example.com", "must be an address such as"),
        ("PORTAL_BASE_URL", "https://login.example.com:port", "must be an address such as"),
        ("PORTAL_TRUSTED_PROXIES", "-1", "must be a whole number from 0 to 10"),
        ("PORTAL_UNKNOWN_PEOPLE", "ask", "must be one of: queue, create, refuse"),
        ("PORTAL_SESSION_IDLE", "5", "must be a whole number from 60 to"),
        ("PORTAL_SESSION_LIFETIME", "1h", "must be a whole number from 60 to"),
        ("PORTAL_TIMEZONE", "China Standard Time", "must be the IANA name of a time zone, such as Asia/Shanghai"),
        ("PORTAL_TIMEZONE", "../../etc/passwd", "must be the IANA name of a time zone"),
        ("PORTAL_TIMEZONE", "/etc/localtime", "must be the IANA name of a time zone"),
        ("PORTAL_TIMEZONE", "Asia", "must be the IANA name of a time zone"),
        ("PORTAL_SYNC_EVERY", "1.5", "must be a whole number from 0 to"),
        ("PORTAL_SYNC_EVERY", "9" * 5000, "must be a whole number from 0 to"),
        ("PORTAL_BASE_URL", "https://[::1", "must be an address such as"),
        ("PORTAL_REDIS_URL", "localhost:6379", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "127.0.0.1", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "http://127.0.0.1:6379", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "redis:/127.0.0.1", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "rediss//cache.example.com", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "redis://", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "redis://:6379", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "redis://h:port", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "rediss://h:99999/0", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_REDIS_URL", "redis://h/zero", "must start with redis:// or rediss:// and a host"),
        ("PORTAL_AUDIT_DAYS", "29", "must be a whole number from 30 to 36500"),
        ("PORTAL_AUDIT_DAYS", "36501", "must be a whole number from 30 to 36500"),
        ("PORTAL_AUDIT_DAYS", "0", "must be a whole number from 30 to 36500"),
        ("PORTAL_LOG", "xml", "must be one of: json, text"),
        ("PORTAL_LOG", "JSON", "must be one of: json, text"),
        ("PORTAL_METRICS_TOKEN", 15 * "a", "must have at least 16 characters"),
        ("PORTAL_METRICS_TOKEN", 16 * "a" + " b", "must have at least 16 characters: letters, digits and"),
        ("PORTAL_METRICS_TOKEN", 16 * "密", "must have at least 16 characters: letters, digits and"),
        ("PORTAL_SECRET_KEY_FALLBACKS", 31 * "a", "must be a comma list of keys, each with at least 32 characters"),
        ("PORTAL_SECRET_KEY_FALLBACKS", f"{SECRET},short", "must be a comma list of keys, each with at least 32"),
        ("PORTAL_BIND", "8000", "must be an address and a port"),
        ("PORTAL_BIND", ":8000", "must be an address and a port"),
        ("PORTAL_BIND", "127.0.0.1:0", "must be an address and a port"),
        ("PORTAL_BIND", "127.0.0.1:65536", "must be an address and a port"),
        ("PORTAL_BIND", "127.0.0.1:８０", "must be an address and a port"),
        ("PORTAL_BIND", "127.0.0.1 :80", "must be an address and a port"),
        ("PORTAL_BIND", "unix:portal.sock", "must be an address and a port"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path, name, value, why):
    with pytest.raises(config.BadSettings) as error:
        config.load({name: value}, tmp_path)
    assert str(error.value).startswith(f"{name} {why}")
    assert KEY not in str(error.value) and SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("PORTAL_AUDIT_DAYS", "30", 30),
        ("PORTAL_AUDIT_DAYS", "36500", 36500),
        ("PORTAL_LOG", "json", "json"),
        ("PORTAL_METRICS_TOKEN", "aZ9._~+/=-aZ9._~", "aZ9._~+/=-aZ9._~"),
        ("PORTAL_SECRET_KEY_FALLBACKS", f"{32 * 'a'}, {SECRET},", [32 * "a", SECRET]),
        ("PORTAL_BIND", "[::]:1", "[::]:1"),
        ("PORTAL_BIND", "0.0.0.0:65535", "0.0.0.0:65535"),
        ("PORTAL_BIND", "unix:/run/portal.sock", "unix:/run/portal.sock"),
    ],
)
def test_a_value_at_the_limit_is_taken(tmp_path, name, value, kept):
    assert config.load({name: value}, tmp_path)[name] == kept


def test_production_logs_for_programs(tmp_path):
    assert config.load(PRODUCTION, tmp_path)["PORTAL_LOG"] == "json"
    assert config.load({**PRODUCTION, "PORTAL_LOG": "text"}, tmp_path)["PORTAL_LOG"] == "text"


def test_all_wrong_values_are_reported_together(tmp_path):
    with pytest.raises(config.BadSettings) as error:
        config.load({"PORTAL_ENV": "x", "PORTAL_SESSION_IDLE": "x"}, tmp_path)
    assert len(str(error.value).splitlines()) == 2


def test_a_value_and_a_file_together_are_refused(tmp_path):
    (tmp_path / "title").write_text("B")
    both = {"PORTAL_TITLE": "A", "PORTAL_TITLE_FILE": str(tmp_path / "title")}
    with pytest.raises(config.BadSettings, match="PORTAL_TITLE is set twice"):
        config.load(both, tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(config.BadSettings, match="PORTAL_TITLE can't be read from the file in PORTAL_TITLE_FILE"):
        config.load({"PORTAL_TITLE_FILE": str(tmp_path / "nothing")}, tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_another_encoding_is_refused(tmp_path, encoding):
    (tmp_path / "key").write_text("a" * 40, encoding=encoding)
    with pytest.raises(config.BadSettings, match="PORTAL_SECRET_KEY can't be read from the file in PORTAL_SECRET_KEY_"):
        config.load({"PORTAL_SECRET_KEY_FILE": str(tmp_path / "key")}, tmp_path)


@pytest.mark.parametrize("name", ["PORTAL_SECRET_KEY", "PORTAL_ENCRYPTION_KEYS", "PORTAL_DATABASE_URL"])
def test_production_needs_explicit_settings(tmp_path, name):
    with pytest.raises(config.BadSettings, match=f"{name} must be set in production"):
        config.load({key: value for key, value in PRODUCTION.items() if key != name}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_production_needs_https(tmp_path):
    with pytest.raises(config.BadSettings, match="PORTAL_BASE_URL must start with https://"):
        config.load({**PRODUCTION, "PORTAL_BASE_URL": "http://login.example.com"}, tmp_path)
    assert config.load(PRODUCTION, tmp_path)["PORTAL_DATABASE_URL"] == "postgresql+psycopg://portal@db/portal"


def test_production_needs_no_https_on_this_machine(tmp_path):
    for base in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"):
        assert config.load({**PRODUCTION, "PORTAL_BASE_URL": base}, tmp_path)["PORTAL_BASE_URL"] == base


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Login.Example.com:443/", "https://login.example.com"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://login.example.com:8443", "https://login.example.com:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://登录.example.com", "https://xn--w2t382c.example.com"),
    ],
)
def test_the_public_address_has_one_spelling(tmp_path, given, kept):
    assert config.load({"PORTAL_BASE_URL": given}, tmp_path)["PORTAL_BASE_URL"] == kept
