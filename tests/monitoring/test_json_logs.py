"""Each event is one line of JSON with its fields, and holds nothing secret."""

import json
import logging
import signal
from datetime import UTC, datetime

import pytest
from support.http_visitors import Visitor
from support.jobs import request_sync, wait_for_runs
from support.portal_app import FEISHU, ROOT, WECOM
from support.syncs import bind_people, find_person, run_command

from portal import logs
from portal.audit import Actor
from portal.bindings import rules
from portal.clocks import now
from portal.errors import Code

HOSTILE = "a\nb\r\x1b[31m\u2028\x85\x00\u202e\ud800 END"
CALL = "/cgi-bin/auth/getuserinfo"


def make_record(name="portal.pages.login", message="x", args=(), **more):
    record = logging.LogRecord(name, logging.INFO, __file__, 1, message, args, None)
    vars(record).update(more)
    return record


class Lines:
    """The lines of one logger, as a formatter writes them."""

    def __init__(self, form):
        self.lines = []
        self.logger = logging.Logger("portal.test", logging.DEBUG)
        handler = logging.Handler()
        handler.setFormatter(logs.FORMATTERS[form]())
        handler.emit = lambda record: self.lines.append(handler.format(record))
        self.logger.addHandler(handler)


@pytest.fixture(params=["json", "text"])
def lines(request):
    return Lines(request.param)


def read_json(text):
    """Return the objects of a log.

    Every line has to be one.
    """
    return [json.loads(line) for line in text.splitlines()]


def find_events(text, event):
    return [line for line in read_json(text) if line["event"] == event]


@pytest.fixture
def production(settings, elements):
    """The environment of a portal in production.

    Its elements are broken, as the sandbox is at loopback.
    """
    return {**settings, "PORTAL_ENV": "production"}


def test_production_logs_json_and_development_text(settings, production):
    settings["PORTAL_SYNC_EVERY"] = production["PORTAL_SYNC_EVERY"] = "0"
    for environ, is_json in (
        (production, True),
        (settings, False),
        ({**settings, "PORTAL_LOG": "json"}, True),
        ({**production, "PORTAL_LOG": "text"}, False),
    ):
        with run_command(environ, "worker") as worker:
            lines = iter(worker.stderr.readline, "")
            line = next(line for line in lines if "worker" in line and "queue" in line or "jobs come from" in line)
        assert line.startswith("{") == is_json, line


def test_all_lines_of_a_serving_portal_are_json(serve, settings):
    began = now()
    server = serve(workers=2, threads=4, PORTAL_LOG="json")
    assert Visitor(server).sign_in(FEISHU).status_code == 303
    assert Visitor(server).sign_in(WECOM, "outsider").status_code == 403
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(60)
    log = server.output()
    [signed_in] = find_events(log, "sign_in")
    assert began <= datetime.fromisoformat(signed_in.pop("time")) <= datetime.now(UTC)
    reference = signed_in.pop("request")
    assert len(reference) == 7
    assert signed_in == {
        "level": "INFO",
        "event": "sign_in",
        "logger": "portal.pages.login_flow",
        "element": FEISHU,
        "kind": "redirect",
        "account": 1,
    }
    [refusal] = find_events(log, "refusal")
    assert (refusal["place"], refusal["number"], refusal["native"], refusal["status"]) == (WECOM, 40301, None, 403)
    assert refusal["request"] not in (reference, None)
    messages = [line["message"] for line in find_events(log, "message")]
    assert any("Listening at" in message for message in messages)
    assert any("Shutting down" in message for message in messages)


def test_a_failed_call_is_logged_with_the_request_that_it_failed(serve, sandbox):
    server = serve(workers=1, threads=4, PORTAL_LOG="json")
    sandbox.fail(CALL, status=500)
    assert Visitor(server).sign_in(WECOM).status_code == 503
    sandbox.fail(CALL, body={"errcode": 40029, "errmsg": "invalid code"})
    assert Visitor(server).sign_in(WECOM).status_code == 400
    log = server.output()
    errors, refusals = find_events(log, "platform_error"), find_events(log, "refusal")
    references = [error.pop("request") for error in errors]
    assert references == [refusal["request"] for refusal in refusals]
    assert None not in references and len(set(references)) == 2
    assert all(datetime.fromisoformat(error.pop("time")) for error in errors)
    common = {
        "event": "platform_error",
        "logger": "portal.providers.observing",
        "platform": "wecom",
        "call": CALL,
    }
    assert errors == [
        {**common, "level": "WARNING", "outcome": "failed", "number": 50300, "native": "HTTP 500"},
        {**common, "level": "INFO", "outcome": "refused", "number": 40029, "native": 40029},
    ]
    assert [(refusal["number"], refusal["native"]) for refusal in refusals] == [(50300, "HTTP 500"), (40029, 40029)]


def test_the_worker_logs_its_start_its_jobs_and_its_end(settings, portal):
    settings |= {"PORTAL_LOG": "json", "PORTAL_SYNC_EVERY": "0"}
    with run_command(settings, "worker") as worker:
        assert request_sync(portal, FEISHU)
        wait_for_runs(portal)
        worker.send_signal(signal.SIGTERM)
        log = worker.communicate(timeout=60)[1]
    [start] = find_events(log, "worker_start")
    assert (start["elements"], start["every"]) == ([FEISHU, WECOM], 0)
    assert start["queue"].endswith("-jobs")
    # A run that waits for long is put into the queue once more; the second job finds it done.
    began, *_ = [line for line in find_events(log, "job_start") if line["job"] == "sync"]
    ended, *_ = [line for line in find_events(log, "job_end") if line["job"] == "sync"]
    assert (began["element"], ended["element"], ended["error"]) == (FEISHU, FEISHU, "")
    assert ended["seconds"] >= 0
    [sync] = find_events(log, "sync_end")
    assert (sync["element"], sync["state"], sync["failure"]) == (FEISHU, "done", "")
    assert sync["people"] > 0
    assert len(find_events(log, "worker_end")) == 1


def test_a_bind_and_an_unbind_are_logged_once_they_are_stored(portal, caplog):
    caplog.set_level(logging.INFO)
    with portal.app_context():
        bind_people(portal, FEISHU, ["zhangsan"])
        identity = find_person(portal, FEISHU, "zhangsan")
        account = identity.account_id
        rules.unbind_identity(identity.id, account, by=Actor(7))
        rules.bind_identity(identity.id, account, by=Actor())
        with pytest.raises(Code):
            rules.bind_identity(identity.id, account + 99, by=Actor(7))
    acts = [(record.event, record.fields) for record in caplog.records if getattr(record, "event", "").endswith("bind")]
    ids = {"identity": identity.id, "account": account}
    assert [(event, {key: fields[key] for key in ids}, fields["by"]) for event, fields in acts] == [
        ("unbind", ids, "account 7"),
        ("bind", ids, "the server"),
    ]


class TestOneLine:
    def test_a_hostile_value_stays_in_its_line(self, lines):
        logs.log_event(lines.logger, logging.INFO, "foreign_host", host=HOSTILE, expected=HOSTILE)
        logs.log_event(lines.logger, logging.INFO, "refusal", place=HOSTILE, number=1, reason=HOSTILE, native=HOSTILE)
        lines.logger.info("a library says %s", HOSTILE)
        assert len(lines.lines) == 3
        for line in lines.lines:
            assert line.splitlines() == [line]
            assert line.isprintable()
            assert "END" in line

    def test_a_trace_can_not_look_like_a_line(self, lines):
        try:
            raise RuntimeError("\n2026-01-01 00:00:00 INFO portal: forged\n{}")
        except RuntimeError:
            lines.logger.exception("it fails")
            logs.log_event(lines.logger, logging.ERROR, "sync_fault", element="E", with_trace=True)
        for line in lines.lines:
            first, *others = line.splitlines()
            assert "it fails" in first or "sync_fault" in first or "the sync fails" in first
            assert all(other.startswith("    ") for other in others)
            assert "forged" not in line  # a text may quote anything, so only the places are told

    def test_json_gives_hostile_values_back_as_they_were(self):
        lines = Lines("json")
        logs.log_event(lines.logger, logging.INFO, "foreign_host", host=HOSTILE, expected="x")
        assert json.loads(lines.lines[0])["host"] == HOSTILE


class TestSecrets:
    """Lines of other programs lose what may be secret."""

    def test_query_strings_and_one_time_tokens_are_hidden(self, lines):
        lines.logger.error("Error handling request %s", "/login/E/callback?state=canary&code=canary")
        lines.logger.error("GET https://p.example/cgi-bin/gettoken?corpsecret=canary HTTP/1.1")
        lines.logger.error("POST /login/once/canary-token")
        try:
            raise ConnectionError("Max retries exceeded with url: /x?access_token=canary (Caused by y)")
        except ConnectionError:
            lines.logger.exception("GET /login/once/canary?x")
        text = "\n".join(lines.lines)
        assert "canary" not in text
        assert "/login/E/callback?" in text and "ConnectionError" in text

    @pytest.mark.parametrize("form", ["json", "text"])
    def test_an_access_line_has_neither(self, form):
        atoms = {"m": "GET", "U": "/login/once/canary", "q": "canary=1", "r": "GET /canary?canary", "f": "canary"}
        atoms |= {"s": "200", "D": 1500, "h": "203.0.113.9", "a": "canary", "{cookie}i": "canary"}
        line = logs.FORMATTERS[form]().format(make_record("gunicorn.access", "%(r)s %(f)s", (atoms,)))
        assert "canary" not in line
        assert "/login/once/" in line and "203.0.113.9" in line and "0.0015" in line


def test_every_event_of_the_list_is_written_somewhere():
    files = [path for path in (ROOT / "portal").rglob("*.py") if path.name != "logs.py"]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    unused = [event for event in logs.EVENTS if f'"{event}"' not in code]
    assert unused == ["access", "message"]
