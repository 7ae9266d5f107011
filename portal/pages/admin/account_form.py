"""The form that creates or changes an account."""

from flask import render_template, request, url_for
from flask_babel import gettext as _

from portal.accounts import accounts, contact_data, usernames
from portal.bindings import people_table
from portal.errors import Code
from portal.models import MAY_SIGN_IN, Account, Identity
from portal.pages.local_addresses import choose_way_back
from portal.pages.parameters import read_number

ADDRESS_FIELDS = ("username", "name", "employee_number", "role", "identity")  # what the address may fill in
LONGEST_USERNAME = accounts.FIELDS["username"]


def show_form(
    problems: dict | None = None,
    account: Account | None = None,
    is_reset: bool = False,
    person: Identity | None = None,
) -> str:
    """Show the form of an account.

    :param problems: field -> what is wrong with it.
    :param is_reset: whether what was typed is dropped.
    :param person: the person that a new account is for.
    """
    values = {} if is_reset else request.form if request.method == "POST" else read_address_fields(person)
    return render_template(
        "admin/account_form.html",
        problems=problems or {},
        account=account,
        person=person,
        person_email=choose_email(person) if person else "",
        typed=values,
        seen=accounts.compute_version(account) if account else None,
    )


def read_form() -> dict:
    """Return the fields of the form that were sent."""
    return {field: request.form[field] for field in (*accounts.FIELDS, "role") if field in request.form}


def read_new_owner() -> Identity | None:
    """Return the person that a new account is for.

    There may be none, and people that can't be bound get none.
    """
    person = people_table.find_person(read_number(request.values.get("identity")) or 0)
    return person if person and person.status in MAY_SIGN_IN else None


def make_form_address(values: dict, person: Identity | None = None) -> str:
    """Return the address of a form with what was typed.

    Contact data are left out: they belong in no address.
    """
    known = {**values, "identity": person.id if person else None}
    fields = {field: known.get(field) or None for field in ADDRESS_FIELDS}
    create = "admin_accounts.create"
    return choose_way_back(url_for(create, **fields), url_for(create))


def read_address_fields(person: Identity | None = None) -> dict:
    """Return the fields of the form from the address.

    Those that it leaves out come from the person that the account is for.
    """
    given = {field: request.args[field] for field in ADDRESS_FIELDS if field in request.args}
    return {**suggest_fields(person), **given} if person else given


def suggest_fields(person: Identity) -> dict:
    """Return the fields of a new account for a person."""
    return {
        "username": usernames.suggest_username(person.user_id, LONGEST_USERNAME),
        "name": person.name[: accounts.FIELDS["name"]],
        "employee_number": person.employee_number[: accounts.FIELDS["employee_number"]],
    }


def add_email(values: dict, person: Identity) -> dict:
    """Return the form's fields with the person's e-mail address.

    The form shows it masked: an empty field takes it, unless it is marked for removal.
    """
    is_kept = not values.get("email") and not request.form.get("remove_email")
    return {**values, "email": choose_email(person)} if is_kept else values


def choose_email(person: Identity) -> str:
    """Return the address that an account takes over, or "".

    Applications are told an account's address as verified, so one that people choose themselves is none.
    """
    return person.company_email


def choose_changes(values: dict) -> dict:
    """Return the fields to change.

    Contact data are not shown, so they stay where their field is empty and not marked for removal.
    """
    for field in contact_data.FIELDS:
        if request.form.get(f"remove_{field}"):
            values[field] = ""
        elif not values.get(field):
            values.pop(field, None)
    return values


def explain_taken_username() -> str:
    """Explain that another account has a username."""
    username = request.form.get("username", "").strip()
    other = usernames.find_by_username(username)
    if other is None or other.username == username:
        return _("Another account has this username.")
    return _("Account %(name)s has this username. Upper and lower case make no difference.", name=other.username)


def explain_refusal(error: ValueError | Code) -> dict:
    """Return what is wrong with the fields, by field."""
    return error.problems if isinstance(error, accounts.InvalidFields) else {"username": explain_taken_username()}
