"""Log lines as JSON or as text.

`EVENTS` lists all events of the portal. No line holds a token, code, state, cookie, query string, mobile number or name
of a person.
"""

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any

from flask import g, has_app_context

EVENTS = {  # name -> its text; a line as JSON has all fields of the event, the text only some
    "sign_in": "{element}: signed in, account {account}",
    "refusal": "{place}: {number}: {reason} (platform {native})",
    "bind_offer": "{element}: offered to account {account}",
    "bind": "identity {identity} was bound to account {account} by {by}",
    "unbind": "identity {identity} was unbound from account {account} by {by}",
    "link_refused": "one-time link refused",
    "limit_hit": "the limit {limit} was hit",
    "limits_local": "limits: Redis fails ({error}), so this process counts for itself",
    "limits_shared": "limits: Redis answers again",
    "platform_error": "{platform}: {call}: {outcome}, {number} (platform {native})",
    "platform_paused": "{address}: no calls for a while, after failures in a row",
    "platform_back": "{address}: calls succeed again",
    "details_missing": "{element}: {what}, the login goes on without ({number}: {reason}, platform {native})",
    "sync_end": "{element}: sync {state}, {people} people {failure}",
    "sync_replaced": "{element}: another sync has taken over",
    "sync_fault": "{element}: the sync fails",
    "odd_departments": "{element}: {fault}: {departments}",
    "worker_start": "worker: {work}; jobs come from {queue}",
    "worker_skip": "worker: does not sync {element}: {reason}",
    "worker_end": "worker: ends",
    "job_start": "job {job} starts {element}",
    "job_end": "job {job} ends {element} after {seconds} s {error}",
    "rows_removed": "{number} old rows removed by {step}",
    "queue_silent": "the job queue does not answer ({error})",
    "foreign_job": "a foreign message in the job queue is dropped ({error})",
    "not_ready": "not ready: {problem}",
    "database_failure": "{place}: the database cannot be used: {problem}",
    "fault": "{error} at {places}",
    "element_broken": "{kind} {element} is broken: {number}: {reason}",
    "element_fault": "{element}: {what}",
    "foreign_host": "asked for the host {host!r}, but PORTAL_BASE_URL names {expected!r}",
    "unexpected_proxy": (
        "X-Forwarded-For arrives, but PORTAL_TRUSTED_PROXIES is 0: all visitors seem to have the proxy's address"
    ),
    "gate_application_unknown": "a proxy asks for application {application}, which is not here",
    "gate_snippet_incomplete": "the snippet of {application} is incomplete: {detail} is missing",
    "gate_host_not_registered": "{application}: asked for {detail}: add it or correct the proxy",
    "gate_forged_header": "the snippet of {application} hands {detail} of visitors on to the check",
    "metrics_folder": "figures are not shared between processes: {problem}",
    "access": "{method} {path} {status} {seconds} s, {address}",
    "message": "{message}",  # every other line, such as those of libraries
}
# Libraries that log addresses or verifiers when they log more than this.
QUIET_LEVELS = {"urllib3": "INFO", "authlib": "INFO", "werkzeug": "WARNING", "huey": "WARNING"}
QUIET_LEVELS |= {"alembic.runtime.plugins": "WARNING"}  # it lists all its own at each start
write_json = json.JSONEncoder(default=str).encode
QUERY = re.compile(r"\?[^\s\"'<>]+")
ONE_TIME_LINK = re.compile(r"(/login/once/)[^\s\"'<>?]+")


def log_event(logger: logging.Logger, level: int, event: str, *, with_trace: bool = False, **fields: Any) -> None:
    """Write the line of an event.

    :param event: a key of `EVENTS`.
    :param with_trace: whether the trace of the current exception belongs to it.
    :param fields: what the event's text names, and more for JSON.
    """
    if not logger.isEnabledFor(level):
        return
    text = EventText(event, fields, read_reference())
    logger.log(level, text, exc_info=with_trace, extra={"event": event, "fields": fields})


class EventText:
    """The text of an event, written when needed."""

    def __init__(self, event: str, fields: dict[str, Any], reference: str | None):
        self.event, self.fields, self.reference = event, fields, reference

    def __str__(self) -> str:
        text = EVENTS[self.event].format_map(self.fields)
        return escape_text(f"{self.reference} {text}" if self.reference else text).rstrip()


def read_reference() -> str | None:
    """Return the reference of this request, if there is one."""
    return g.get("reference") if has_app_context() else None


def escape_text(text: str) -> str:
    """Return a text as one line of visible characters."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def hide_secrets(text: str) -> str:
    """Return a text without query strings and one-time tokens."""
    return ONE_TIME_LINK.sub(r"\1…", QUERY.sub("?…", text))


def read_event(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    """Return the event of a log record, and its fields.

    Lines of other programs become events, too. Of gunicorn's access lines only harmless parts are left.
    """
    if hasattr(record, "event"):
        return record.event, record.fields
    atoms = record.args
    if record.name == "gunicorn.access" and isinstance(atoms, dict):
        return "access", {
            "method": atoms["m"],
            "path": hide_secrets(atoms["U"] or ""),
            "status": int(atoms["s"]),
            "seconds": atoms["D"] / 1_000_000,
            "address": atoms["h"],
        }
    return "message", {"message": hide_secrets(record.getMessage())}


def read_trace(record: logging.LogRecord) -> list[str]:
    """Return where a record's exception was raised.

    The texts of exceptions are left out: they may quote a person's data or a secret.
    """
    error, lines = record.exc_info[1] if record.exc_info else None, []
    while error is not None:
        lines += [type(error).__name__, *reversed(list_places(error))]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines


def list_places(error: BaseException) -> list[str]:
    """Return the places an exception has come through."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


class JsonFormatter(logging.Formatter):
    """Writes a line of JSON in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        event, fields = read_event(record)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": event,
            "request": read_reference(),
            "logger": record.name,
            **fields,
        }
        if trace := read_trace(record):
            line["trace"] = trace
        return write_json(line)


class TextFormatter(logging.Formatter):
    """Writes a line for people.

    The lines of an exception follow it, indented, so that none looks like a line of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        event, fields = read_event(record)
        text = record.getMessage() if hasattr(record, "event") else EVENTS[event].format_map(fields)
        first = f"{self.formatTime(record)} {record.levelname} {record.name}: {escape_text(text)}"
        return "\n".join([first, *(f"    {escape_text(line)}" for line in read_trace(record))])


FORMATTERS = {"json": JsonFormatter, "text": TextFormatter}


def set_up(form: str) -> None:
    """Log to standard error unless the host program logs.

    :param form: `json` or `text`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[form]())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name, level in QUIET_LEVELS.items():
        logging.getLogger(name).setLevel(level)


def make_config(form: str) -> dict[str, Any]:
    """Return the same as a configuration, such as gunicorn's `logconfig_dict`.

    gunicorn's own lines then have this form, too. Its access lines have no query string and no one-time token.

    :param form: `json` or `text`.
    """
    gunicorn = {"gunicorn.error": "INFO", "gunicorn.access": "INFO"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"portal": {"()": f"{__name__}.{FORMATTERS[form].__name__}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "portal", "stream": "ext://sys.stderr"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            name: {"level": level, "handlers": [], "propagate": True}
            for name, level in {**QUIET_LEVELS, **gunicorn}.items()
        },
    }
