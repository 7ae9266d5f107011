"""The pages of the groups, and the changes to them."""

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.applications import groups, members
from portal.models import Group
from portal.pages import browser
from portal.pages.admin import group_form, layout
from portal.pages.local_addresses import lead_errors_to, redirect_to
from portal.pages.parameters import read_number
from portal.signin import sessions

bp = layout.make_blueprint("groups", __name__)


@bp.get("/groups")
def show():
    rows = groups.list_groups()
    counts, users = members.count_groups(rows), groups.list_users_by_group()
    return render_template("admin/groups.html", groups=rows, counts=counts, users=users)


@bp.route("/groups/create", methods=["GET", "POST"])
def create():
    if request.method == "GET":
        return group_form.show_group_form()
    fields = group_form.read_group_form()
    if group_form.is_only_shown():
        return group_form.show_group_form(fields)
    if refusal := refuse_stale_save(fields):
        return refusal
    problems = group_form.find_faults(fields)
    values = group_form.make_values(fields)
    try:
        groups.clean_group(values | ({"members": []} if problems else {}))
        if not problems:
            group = groups.create_group(values, by=browser.get_actor())
            flash(_("Group %(title)s created.", title=group.title), "good")
            return redirect_to("admin_groups.edit", name=group.name)
    except groups.InvalidFields as error:
        problems |= error.problems
    return group_form.show_group_form(fields, problems), 422


@bp.route("/groups/<name>/edit", methods=["GET", "POST"])
def edit(name):
    group = groups.find_group(name)
    if request.method == "GET":
        return group_form.show_group_form(group=group)
    fields = group_form.read_group_form()
    if group_form.is_only_shown():
        return group_form.show_group_form(fields, group=group)
    if refusal := refuse_stale_save(fields, group):
        return refusal
    problems = group_form.find_faults(fields)
    try:
        values = group_form.make_values({"name": group.name, **fields})
        groups.clean_group(values | ({"members": []} if problems else {}))
        if not problems:
            return save(group, values, read_number(fields.get("seen")) or 0)
    except groups.InvalidFields as error:
        problems |= error.problems
    return group_form.show_group_form(fields, problems, groups.find_group(name)), 422


def save(group: Group, values: dict, seen: int) -> ResponseReturnValue:
    """Change a group, and show it.

    :raises groups.InvalidFields: when another group has the name meanwhile.
    """
    try:
        changed = groups.edit_group(group.name, values, seen, by=browser.get_actor())
    except groups.GroupChanged as error:
        flash(_("This group was changed in the meantime. You see the current version now."), "stop")
        return group_form.show_group_form({}, group=groups.find_group(group.name)), error.status
    flash(_("Saved.") if changed else _("Nothing was changed."), "good" if changed else "info")
    return redirect_to("admin_groups.edit", name=values["name"])


@bp.post("/groups/<name>/delete")
def delete(name):
    group = groups.find_group(name)
    address = lead_errors_to(url_for("admin_groups.edit", name=name))
    layout.require_fresh_administrator(address)
    title = group.title
    groups.delete_group(name, by=browser.get_actor())
    flash(_("Group %(title)s deleted.", title=title), "good")
    return redirect_to("admin_groups.show")


def refuse_stale_save(fields: dict, group: Group | None = None) -> ResponseReturnValue | None:
    """Refuse to save by a sign-in that is too old.

    The way over a new one leads back to the form as it was typed. If that is too long for an address, the form stays
    where it is.

    :raises Code: FORBIDDEN with a page that offers to confirm.
    """
    address = group_form.make_draft_address(fields, group)
    if address is None and not sessions.is_fresh(layout.require_administrator()):
        flash(
            _(
                "You signed in more than ten minutes ago, and these members are too many to be kept while you confirm. "
                "Copy them, sign in again, and paste them."
            ),
            "stop",
        )
        return group_form.show_group_form(fields, group=group), 403
    layout.require_fresh_administrator(address or request.path)
    return None
