"""`flask applications` exports and applies groups and applications."""

import json

import pytest
from sqlalchemy import func, select
from support.admin_client import open_database, store_account
from support.portal_app import both_databases

from portal.applications import application_secrets, catalogue, groups
from portal.audit import Actor
from portal.database import fingerprint
from portal.models import Application, ApplicationSecret, AuditEvent, Department, Group

BY = Actor()
SECRET = "wiki-secret-of-32-letters-------"
VARIABLES = {"WIKI_SECRET": SECRET, "NEXT": SECRET[::-1], "THIRD": SECRET.upper(), "SHORT": SECRET[1:]}
FILE = {
    "groups": [
        {
            "name": "dev",
            "title": "Developers",
            "members": [
                {"kind": "department", "value": "feishu/t1/d7", "below": True},
                {"kind": "role", "value": "admin"},
                {"kind": "account", "value": "zhangwei"},
                {"kind": "everybody"},
            ],
        }
    ],
    "applications": [
        {
            "name": "wiki",
            "title": "Wiki",
            "hosts": ["https://wiki.example.com"],
            "groups": ["dev"],
            "secrets": ["${WIKI_SECRET}"],
        }
    ],
}


@pytest.fixture
def settings(settings):
    return {**settings, **VARIABLES}


@pytest.fixture
def company(portal):
    """Store what the file names."""
    store_account(portal, "zhangwei")
    with open_database(portal) as session:
        session.add(Department(provider="feishu", tenant="t1", dept_id="d7", name="Sales"))
        session.commit()


@pytest.fixture
def run(portal):
    """Return a function that runs the command.

    It returns the exit status and the lines of both outputs.
    """

    def run(*words):
        done = portal.test_cli_runner().invoke(args=["applications", *map(str, words)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done.exit_code, done.output.splitlines()

    return run


@pytest.fixture
def apply(run, tmp_path):
    """Return a function that writes a file and applies it."""

    def apply(content, *options):
        path = tmp_path / "apps.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return run("apply", path, *options)

    return apply


def apply_one(apply, **values):
    """Apply a file with one application."""
    return apply({"applications": [{"name": "wiki", **values}]})


def count_stored(portal):
    """Count groups, applications, secrets and audit rows."""
    with open_database(portal) as session:
        tables = (Group, Application, ApplicationSecret, AuditEvent)
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]


@both_databases
def test_a_file_is_applied_and_a_second_time_nothing_is_to_do(portal, company, apply):
    status, lines = apply(FILE)
    assert status == 0
    assert lines == [
        "group dev: new",
        '  title: "Developers"',
        "  members: " + json.dumps(FILE["groups"][0]["members"]),
        "application wiki: new",
        '  title: "Wiki"',
        '  groups: ["dev"]',
        '  hosts: ["https://wiki.example.com"]',
        "  secrets: ${WIKI_SECRET} is new",
    ]
    with open_database(portal) as session:
        wiki = catalogue.find_application("wiki")
        assert [secret.secret_hash for secret in wiki.secrets] == [fingerprint(SECRET)]
        assert [group.name for group in wiki.groups] == ["dev"]
        actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions == ["group.create", "application.create", "secret.make", "application.apply"]
    before = count_stored(portal)
    assert apply(FILE) == (0, ["Nothing to do."])
    assert count_stored(portal) == before


@both_databases
def test_what_is_exported_is_applied_elsewhere(portal, company, run, apply):
    apply(FILE)
    status, lines = run("export")
    exported = json.loads("\n".join(lines))
    assert status == 0 and "secrets" not in exported["applications"][0]
    assert apply(exported) == (0, ["Nothing to do."])
    with open_database(portal) as session:
        for row in [*session.scalars(select(ApplicationSecret)), *session.scalars(select(Application))]:
            session.delete(row)
        session.flush()
        session.delete(session.scalars(select(Group)).one())
        session.commit()
    apply(exported)
    assert run("export") == (0, lines)


@both_databases
def test_a_dry_run_shows_the_difference_and_stores_nothing(portal, company, apply):
    before = count_stored(portal)
    status, lines = apply(FILE, "--dry-run")
    assert status == 0
    assert lines[-1] == "Dry run: nothing was stored." and "application wiki: new" in lines
    assert count_stored(portal) == before
    assert apply(FILE)[1] == lines[:-1]


def test_a_missing_key_keeps_what_is_stored(portal, company, apply):
    apply(FILE)
    status, lines = apply_one(apply, title="知识库", refresh=True, offline_days=7)
    changes = ['  title: "Wiki" -> "知识库"', "  refresh: false -> true", "  offline_days: 0 -> 7"]
    assert (status, lines) == (0, ["application wiki: changed", *changes])
    with open_database(portal):
        wiki = catalogue.find_application("wiki")
        assert (wiki.hosts, wiki.version) == (["https://wiki.example.com"], 2)
        assert [group.name for group in groups.list_groups()] == ["dev"]
    assert apply_one(apply, refresh=False)[1] == [
        "application wiki: offline_days: Offline access needs refresh tokens."
    ]


def test_every_fault_is_a_line_and_nothing_is_stored(portal, company, apply):
    before = count_stored(portal)
    status, lines = apply(
        {
            "groups": [{"name": "ops"}, {"name": "dev", "members": [{"kind": "account", "value": "eve"}]}],
            "applications": [
                {"name": "Wiki", "hosts": ["wiki"]},
                {"name": "board", "groups": ["dev", "sales"]},
                {"name": "chat", "secrets": [SECRET, "${UNSET}", "${SHORT}", 7]},
            ],
        }
    )
    assert status == 1
    assert lines == [
        "group dev: members: There is no account eve.",
        "application Wiki: name: Use 2 to 40 letters a-z, digits and hyphens, a letter first.",
        "application Wiki: hosts: Enter an origin such as https://wiki.example.com.",
        "application board: groups: There is no group named sales.",
        "application chat: secrets: write ${VAR}, not the secret",
        "application chat: secrets: UNSET is not set",
        "application chat: secrets: SHORT needs 32 characters or more",
        "application chat: secrets: write ${VAR}, not the secret",
    ]
    assert count_stored(portal) == before


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("[]", 'this must be an object with "groups" and "applications"'),
        ('{"groups": {}}', "groups must be a list"),
        ('{"apps": []}', 'unknown key "apps"'),
        ('{"group": []}', 'unknown key "group"'),
        ('{"applications": [{"name": "wiki"}, {}]}', "application 2: has no name"),
        ('{"groups": ["dev"]}', "group 1: has no name"),
        ('{"groups": [{"name": "dev"}, {"name": "dev"}]}', "group dev: is there twice"),
        ('{"groups": [{"name": "dev", "member": []}]}', 'group dev: unknown key "member"'),
        ('{"applications": [{"name": "wiki", "hots": 1}]}', 'application wiki: unknown key "hots"'),
        ('{"applications": [{"name": "wiki", "secrets": "x"}]}', "application wiki: secrets must be a list"),
        ('{"applications": [{"name": "wiki", "groups": [[]]}]}', "application wiki: groups: Enter a list of texts."),
        ('{"groups": [{"name": "dev", "members": ""}]}', "group dev: members: Enter a list of members."),
        (
            '{"groups": [{"name": "dev", "title": "\\ud800"}]}',
            "group dev: title: This has characters that can't be used.",
        ),
    ],
)
def test_a_file_of_another_shape_is_refused(apply, content, fault):
    assert apply(content) == (1, [fault])


def test_a_file_that_is_none_is_refused(apply, run, tmp_path):
    status, lines = apply('{"groups": [')
    assert status == 1 and lines[0].startswith("this is no JSON: ")
    assert apply("[" * 100_000)[0] == 1
    status, lines = run("apply", tmp_path / "missing.json")
    assert status == 1 and lines[0].endswith("missing.json can't be read: FileNotFoundError")


def test_a_secret_may_be_in_a_file(portal, make_portal, tmp_path):
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "apps.json").write_text('{"applications": [{"name": "wiki", "secrets": ["${OTHER}"]}]}')
    runner = make_portal(OTHER_FILE=str(tmp_path / "secret")).test_cli_runner()
    assert runner.invoke(args=["applications", "apply", str(tmp_path / "apps.json")]).exit_code == 0
    with open_database(portal) as session:
        assert session.scalars(select(ApplicationSecret.secret_hash)).all() == [fingerprint(SECRET)]


def test_a_listed_secret_is_added_and_none_expired(portal, apply):
    apply_one(apply, secrets=["${WIKI_SECRET}"])
    assert apply_one(apply, secrets=["${NEXT}"]) == (0, ["application wiki: changed", "  secrets: ${NEXT} is new"])
    fault = "application wiki: secrets: two are in use already; expire one first"
    assert apply_one(apply, secrets=["${THIRD}"]) == (1, [fault])
    with open_database(portal):
        first = application_secrets.list_usable_secrets(catalogue.find_application("wiki"))[0]
        application_secrets.expire_secret("wiki", first.id, by=BY)
    assert apply_one(apply, secrets=["${WIKI_SECRET}"]) == (0, ["Nothing to do."])  # it stays expired
    assert apply_one(apply, secrets=["${THIRD}"])[0] == 0


def test_a_host_moves_from_one_application_to_another_in_one_file(apply):
    apply_one(apply, hosts=["https://wiki.example.com"])
    board = {"name": "board", "hosts": ["https://wiki.example.com"]}
    fault = "application board: hosts: This host belongs to another application: wiki."
    assert apply({"applications": [board]}) == (1, [fault])
    assert apply({"applications": [board, {"name": "wiki", "hosts": []}]})[0] == 0


def test_a_secret_that_is_written_out_is_never_shown(apply):
    assert SECRET not in "".join(apply_one(apply, secrets=[SECRET])[1])
