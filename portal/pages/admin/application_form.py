"""The form that creates or changes an application."""

from urllib.parse import urlsplit

from flask import render_template, request, url_for
from werkzeug.datastructures import MultiDict

from portal.applications import groups
from portal.applications.application_fields import ENCODINGS, SCOPES, USERNAMES_FROM
from portal.models import HEADERS, Application
from portal.pages.admin import drafts
from portal.pages.local_addresses import choose_way_back
from portal.pages.parameters import read_number
from portal.text import make_slug

TEXTS = ("title", "launch_url", "contact", "email_domain", "backchannel_uri")
CHOICES = {"username_from": USERNAMES_FROM, "header_encoding": ENCODINGS, "pkce": ("required", "optional")}
NUMBERS = ("fresh_minutes", "session_hint", "offline_days", "token_minutes")
LISTS = ("hosts", "groups", "headers", "redirect_uris", "post_logout_uris", "scopes")
TICKS = ("open_to_all", "public", "refresh", "claims_in_id_token", "ask", "all_groups", "picture")
FIELDS = (*TEXTS, *CHOICES, *NUMBERS, *LISTS, *TICKS)
OF_CLIENTS = ("redirect_uris", "post_logout_uris", "backchannel_uri", "public", "pkce", "offline_days", "token_minutes")
MORE = ("launch_url", "contact", "username_from", "email_domain", "fresh_minutes", "session_hint")
MORE += ("headers", "header_encoding")
TICKED = ("1", "on", "true", "yes")


def read_fields(sent: MultiDict) -> dict:
    """Return the fields of the form that were sent.

    A field that was not sent is not among them. A list has one entry a line, and may be sent several times; so a
    hidden empty field makes the last tick that is taken away count.
    """
    fields = {name: sent[name].strip() for name in ("name", *TEXTS, *CHOICES) if name in sent}
    fields |= {name: read_number_or_text(sent[name]) for name in NUMBERS if name in sent}
    fields |= {name: split_lines(sent.getlist(name)) for name in LISTS if name in sent}
    return fields | {name: any(value in TICKED for value in sent.getlist(name)) for name in TICKS if name in sent}


def read_number_or_text(value: str) -> int | str | None:
    """Return a whole number, nothing, or the text itself."""
    number = read_number(value.strip())
    return value.strip() or None if number is None else number


def split_lines(values: list[str]) -> list[str]:
    """Return the lines of a field, each once."""
    lines = (line.strip() for value in values for line in value.splitlines())
    return list(dict.fromkeys(filter(None, lines)))


def suggest_name(fields: dict) -> str:
    """Return a name for an application without one.

    It comes from the title, or from the first host where the title has no Latin letters.
    """
    first_host = next(iter(fields.get("hosts", ())), "")
    for text in (fields.get("title", ""), (read_hostname(first_host) or "").removeprefix("www.").split(".")[0]):
        name = make_slug(text)
        if len(name) > 1:
            return name
    return ""


def read_hostname(origin: str) -> str | None:
    """Return the host of a typed origin, or `None`."""
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def show_application_form(
    problems: dict | None = None, application: Application | None = None, is_reset: bool = False
) -> str:
    """Show the form of an application.

    :param problems: field -> what is wrong with it.
    :param application: the one to change; none: a new one.
    :param is_reset: whether what was typed is dropped.
    """
    if is_reset:
        typed, version = {}, None
    elif request.method == "POST":
        typed, version = read_fields(request.form), request.form.get("version")
    else:
        draft = drafts.unpack_draft(request.args.get("draft", ""))
        typed, version = read_fields(MultiDict(draft)), draft.get("version")
    shown = {**list_stored(application), **typed}
    problems = problems or {}
    return render_template(
        "admin/application_form.html",
        application=application,
        shown=shown,
        problems=problems,
        version=(version or application.version) if application else None,
        groups=groups.list_groups(),
        choices={**CHOICES, "headers": HEADERS, "scopes": SCOPES},
        opens_more=any(name in problems for name in MORE),
        has_client=bool(shown["redirect_uris"]) or any(name in problems for name in OF_CLIENTS),
    )


def list_stored(application: Application | None) -> dict:
    """Return the stored fields, or those of a new application."""
    if application is None:
        return {**list_defaults(), "groups": []}
    names = [group.name for group in application.groups]
    return {**{name: getattr(application, name) for name in FIELDS if name != "groups"}, "groups": names}


def list_defaults() -> dict:
    """Return the values that a new application has."""
    values = {}
    for column in Application.__table__.columns:
        if column.default is not None and column.name in FIELDS:
            values[column.name] = column.default.arg(None) if column.default.is_callable else column.default.arg
    return values


def keep_typed_fields(values: dict, application: Application | None = None) -> str:
    """Return the address of the form with the typed fields.

    What is as it was stored is left out, so that the address is short enough to be kept while the administrator
    signs in again. Only a form with several thousand letters is not.
    """
    stored = list_stored(application)
    changed = {name: encode_field(value) for name, value in values.items() if stored.get(name) != value}
    if application is None:
        create = "admin_applications.create"
        return choose_way_back(url_for(create, draft=drafts.pack_draft(changed)), url_for(create))
    edit = url_for("admin_applications.edit", name=application.name)
    draft = drafts.pack_draft({**changed, "version": request.form.get("version", str(application.version))})
    return choose_way_back(f"{edit}?draft={draft}", edit) if changed else edit


def encode_field(value: object) -> str:
    """Return a field as the form sends it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return "\n".join(value) if isinstance(value, list) else "" if value is None else str(value)
