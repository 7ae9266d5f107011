"""The pages for binding by hand and for conflicts."""

from dataclasses import dataclass

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal import database
from portal.accounts import search
from portal.bindings import people_table, rules, suggestions
from portal.bindings.people_filters import PeopleFilters
from portal.bindings.people_table import Row
from portal.bindings.suggestions import Suggestion
from portal.directory import paths
from portal.elements.meta import Meta
from portal.errors import NOT_FOUND, Code
from portal.models import MAY_SIGN_IN, Account, Identity
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.lookups import require_account, require_person
from portal.pages.admin.people_filter import get_way_back
from portal.pages.local_addresses import accept_local_path, lead_errors_to, redirect_to
from portal.pages.parameters import ID, read_number, read_text
from portal.providers import http
from portal.signin.sessions import count_identity_sessions

bp = layout.make_blueprint("bind", __name__)

MOST_CHOICES = 20  # shown of a search, or of those that fit equally


@dataclass(frozen=True)
class ChosenPair:
    """A person and an account that may be bound together.

    :param holder: another person of the same company that the account has.
    :param sessions: how many sessions end when the person moves.
    """

    row: Row
    account: Account
    holder: Identity | None
    sessions: int

    @property
    def suggestion(self) -> Suggestion | None:
        """The suggestion of just this account, if there is one."""
        own = (suggestion for suggestion in self.row.suggestions if suggestion.account.id == self.account.id)
        return next(own, None)

    @property
    def bound_here(self) -> bool:
        """Whether they are bound together already."""
        return self.row.person.account_id == self.account.id

    @property
    def possible(self) -> bool:
        """Whether they can be bound together."""
        can_sign_in = self.row.person.status in MAY_SIGN_IN and self.account.active
        return can_sign_in and not self.bound_here and self.holder is None


@bp.get("/bindings/bind")
def choose():
    """Show a person, an account, or both.

    The missing one is chosen from a search.
    """
    person = people_table.find_person(read_number(request.args.get("identity")) or 0)
    account = search.find_account(read_number(request.args.get("account")) or 0)
    return show_choice(person, account)


def show_choice(person: Identity | None, account: Account | None, **result: object) -> str:
    """Show the page to choose from.

    :param result: of a look-up by ID: `looked_up`, `problem`, `stored`, `via`.
    """
    q = read_text(request.values.get("q"))
    row = people_table.find_row(person) if person else None
    if person and account:
        candidates = []
    else:
        candidates = list_account_choices(row, q) if person else list_people_choices(account, q)
    people = [person, result.get("stored"), *(candidate.get("person") for candidate in candidates)]
    return render_template(
        "admin/bind.html",
        row=row,
        account=account,
        pair=describe_pair(row, account) if row and account else None,
        held=search.list_identities(account.id) if account else [],
        candidates=candidates,
        q=q,
        back=accept_local_path(request.values.get("back")),
        paths=paths.find_paths(person for person in people if person),
        elements=current_app.elements.list_usable(),
        **result,
    )


def describe_pair(row: Row, account: Account) -> ChosenPair:
    """Return a person with an account."""
    holder = rules.find_holder(account.id, row.person)
    return ChosenPair(row, account, holder, count_identity_sessions(row.person.id) if row.person.account_id else 0)


def list_account_choices(row: Row, q: str) -> list[dict]:
    """Return the accounts to choose from.

    Those are the ones that the search finds, or else those suggested.
    """
    by_account = {suggestion.account.id: suggestion for suggestion in row.suggestions}
    if q:
        accounts = search.find_accounts(q, MOST_CHOICES)
    else:
        accounts = [suggestion.account for suggestion in by_account.values()][:MOST_CHOICES]
    return [{"account": account, "suggestion": by_account.get(account.id)} for account in accounts]


def list_people_choices(account: Account | None, q: str) -> list[dict]:
    """Return the people to choose from.

    Those are the ones that the search finds, or else those suggested.
    """
    suggested = suggestions.suggest_people(account) if account else ()
    by_person = {suggestion.person.id: suggestion for suggestion in suggested}
    if q:
        people = [row.person for row in people_table.list_people(PeopleFilters(q=q, size=MOST_CHOICES))]
    else:
        people = [suggestion.person for suggestion in by_person.values()][:MOST_CHOICES]
    return [{"person": person, "suggestion": by_person.get(person.id)} for person in people]


@bp.post("/bindings/bind")
def bind():
    """Bind a person to an account.

    People bound already move only with `seen`, the account that the administrator was shown.
    """
    id, account_id = read_number(request.form.get("identity")), read_number(request.form.get("account"))
    lead_errors_to(url_for("admin_bindings.person", id=id) if id else url_for("admin_bindings.show"))
    back = accept_local_path(request.form.get("back"))
    layout.require_fresh_administrator(url_for(".choose", identity=id, account=account_id, back=back))
    seen_id = read_number(request.form.get("seen"))
    person = rules.bind_identity(id or 0, account_id or 0, seen_id, by=browser.get_actor())
    report_bound_to(person)
    return redirect(back or url_for("admin_bindings.person", id=person.id), 303)


def report_bound_to(person: Identity) -> None:
    """Tell that a person was bound, and to which account."""
    account = require_account(person.account_id)
    flash(_("%(name)s can now sign in to %(account)s.", name=person.shown_name, account=account.username), "good")


# A look-up by the platform's id, before the person is stored


@bp.post("/bindings/look-up")
def look_up():
    """Show the person that the platform has under an id.

    Nothing is stored.
    """
    element, user_id, account_id = read_look_up()
    profile, problem = None, None
    try:
        with http.deadline():
            profile = element.getUserInfo(user_id)
    except Code as error:
        problem = error
    result = {"looked_up": profile, "problem": problem, "stored": element.find_person(user_id), "via": element}
    page = show_choice(None, account_id and require_account(account_id), **result)
    return page, 200 if profile else 404 if problem.code == NOT_FOUND else 422


@bp.post("/bindings/store")
def store():
    """Store the person of a look-up."""
    element, user_id, account_id = read_look_up()
    element.syncUserInfo(user_id, forceUpdate=True)
    person = element.find_person(user_id)
    if person is None:
        raise Code(NOT_FOUND, "the platform does not tell which person this is")
    return redirect_to(".choose", identity=person.id, account=account_id)


def read_look_up() -> tuple[Meta, str, int | None]:
    """Return the element, platform id and account of a look-up.

    No transaction is open then, because the platform is called next.
    """
    element = current_app.elements.find_active(request.form.get("element", ""))
    user_id, account_id = read_text(request.form.get("user_id"), 128), read_number(request.form.get("account"))
    lead_errors_to(url_for(".choose", account=account_id))
    if not user_id:
        raise Code(NOT_FOUND, "no id was given")
    database.end_transaction()
    return element, user_id, account_id


# Conflicts


@bp.get(f"/bindings/{ID}/conflict")
def conflict(id):
    """Show the accounts of a conflict side by side.

    The best suggestion has another person already, or several accounts fit equally.
    """
    row = people_table.find_row(require_person(id))
    if not suggestions.is_conflict(row.suggestions) or row.person.account_id is not None:
        return redirect(get_way_back(id), 303)
    strongest = row.best.strengths[0]
    equal = [suggestion for suggestion in row.suggestions if suggestion.strengths[0] == strongest][:MOST_CHOICES]
    accounts = [suggestion.account for suggestion in equal]
    holders = [suggestion.holder for suggestion in equal if suggestion.holder]
    return render_template(
        "admin/conflict.html",
        row=row,
        equal=equal,
        back=get_way_back(id),
        held={account.id: search.list_identities(account.id) for account in accounts},
        sessions={holder.id: count_identity_sessions(holder.id) for holder in holders},
        paths=paths.find_paths([row.person, *holders]),
    )


@bp.post(f"/bindings/{ID}/replace")
def replace(id):
    """Move an account from another person to this one.

    People bound already move only with `seen`, as in `bind()`.
    """
    back = lead_errors_to(get_way_back(id))
    layout.require_fresh_administrator(url_for(".conflict", id=id, back=back))
    account_id, holder_id = (read_number(request.form.get(name)) or 0 for name in ("account", "holder"))
    seen_id = read_number(request.form.get("seen"))
    report_bound_to(rules.replace_holder(id, account_id, holder_id, seen_id, by=browser.get_actor()))
    return redirect(back, 303)


@bp.post(f"/bindings/{ID}/decline")
def decline(id):
    """Decline a suggestion, so that it is not made again."""
    back = lead_errors_to(get_way_back(id))
    account = require_account(read_number(request.form.get("account")) or 0)
    rules.decline_suggestion(id, account.id, by=browser.get_actor())
    text = _("%(account)s stays as it is and is no longer suggested for %(name)s.")
    flash(text % {"account": account.username, "name": require_person(id).shown_name}, "good")
    return redirect(back, 303)
