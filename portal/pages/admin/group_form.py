"""The form that creates or changes a group."""

from collections.abc import Mapping

from flask import render_template, request, url_for

from portal.applications import groups, member_choices, member_lines, members
from portal.models import Group
from portal.pages.admin import drafts
from portal.pages.local_addresses import LONGEST_PATH
from portal.pages.parameters import read_number, read_page_number, read_text
from portal.text import make_slug

FIELDS = ("title", "name", "members")
BUTTONS = ("add", "remove", "open", "find")  # they show the form again
KEPT = (*FIELDS, "q", "level", "seen")  # what the way over a new sign-in keeps


def read_group_form() -> dict[str, str]:
    """Return the typed fields, after what a button did."""
    fields = {field: request.form[field] for field in KEPT if field in request.form}
    if "open" in request.form:
        fields |= {"level": request.form["open"], "q": ""}
    if "add" in request.form:
        fields["members"] = member_lines.add_line(fields.get("members", ""), request.form["add"])
    if "remove" in request.form:
        fields["members"] = member_lines.remove_line(fields.get("members", ""), request.form["remove"])
    return fields


def is_only_shown() -> bool:
    """Tell whether the form was sent to be shown again.

    Its buttons for members and its search do that.
    """
    if "save" in request.form:
        return False
    return any(name in request.form for name in BUTTONS) or bool(request.form.get("q", "").strip())


def make_values(fields: Mapping[str, str]) -> dict:
    """Return what the service takes.

    A new group without a name gets one by its title.
    """
    values = {field: fields[field] for field in ("title", "name") if field in fields}
    if "members" in fields:
        values["members"] = [line.entry for line in member_lines.parse_lines(fields["members"])]
    if not values.get("name", "").strip():
        values["name"] = make_slug(values.get("title", ""))
    return values


def find_faults(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the faults of the lines of members, by field."""
    faults = [
        f"{line.text}: {line.fault}" for line in member_lines.parse_lines(fields.get("members", "")) if line.fault
    ]
    return {"members": "\n".join(faults)} if faults else {}


def show_group_form(
    fields: Mapping[str, str] | None = None, problems: Mapping | None = None, group: Group | None = None
) -> str:
    """Show the form of a group.

    :param fields: what was typed; `None` for what is stored, or the draft in the address.
    :param problems: field -> what is wrong with it.
    """
    stored = write_stored(group)
    typed = {**stored, **(read_draft(stored) if fields is None else fields)}
    lines = member_lines.parse_lines(typed["members"])
    rows = [line.row for line in lines if line.row]
    rules, words, level = members.read_rules(rows), read_text(typed.get("q")), read_number(typed.get("level"))
    return render_template(
        "admin/group_form.html",
        group=group,
        typed=typed,
        problems=problems or {},
        lines=lines,
        names=member_choices.name_members(rows),
        chosen={line.row.value: line.row.below for line in lines if line.row and line.row.kind == "department"},
        offer=member_choices.find_choices(words) if words else member_choices.open_level(level),
        words_sought=words,
        count=members.count_present_members(rules),
        **collect_stored_values(group, lines),
    )


def collect_stored_values(group: Group | None, lines: list) -> dict:
    """Return what the page shows of a stored group."""
    if group is None:
        return {"count_before": None, "users": [], "page": None, "who": ""}
    rules, who = members.read_rules(group.members), read_text(request.args.get("who"))
    page = members.list_members(rules, who, read_page_number(request.args)) if request.method == "GET" else None
    before = members.count_groups([group])[group.id]
    return {"count_before": before, "users": groups.list_users(group), "page": page, "who": who}


def write_stored(group: Group | None) -> dict[str, str]:
    """Return the fields of a stored group."""
    if group is None:
        return dict.fromkeys(FIELDS, "")
    text = member_lines.write_lines(groups.write_members(group))
    return {"title": group.title, "name": group.name, "members": text, "seen": str(group.version)}


def read_draft(stored: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of the draft in the address."""
    fields = drafts.unpack_draft(request.args.get("draft", ""), stored["members"])
    return {field: value for field, value in fields.items() if field in KEPT}


def make_draft_address(fields: Mapping[str, str], group: Group | None) -> str | None:
    """Return the address of the form with what was typed.

    There is none for more than an address can hold.
    """
    draft = drafts.pack_draft(fields, write_stored(group)["members"])
    endpoint, values = ("admin_groups.edit", {"name": group.name}) if group else ("admin_groups.create", {})
    address = url_for(endpoint, **values, draft=draft)
    return address if len(address) <= LONGEST_PATH else None
