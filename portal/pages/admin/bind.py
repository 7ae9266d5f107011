"""Binding by hand: choose a person and an account, see both side by side, decide; and settle a conflict."""

from dataclasses import dataclass

from flask import current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal import database
from portal.accounts import search
from portal.bindings import people_table, rules, suggestions
from portal.bindings.people_table import Filters, Row
from portal.bindings.suggestions import Suggestion
from portal.directory import paths
from portal.errors import NOT_FOUND, Code
from portal.models import MAY_SIGN_IN, Account, Identity
from portal.pages import browser
from portal.pages.admin import layout
from portal.pages.admin.lookups import require_account, require_person
from portal.pages.local_addresses import choose_way_back, redirect_to
from portal.pages.parameters import ID, number, text
from portal.providers import http
from portal.signin.sessions import count_identity_sessions

bp = layout.blueprint("pairing", __name__)

CANDIDATES = 20  # shown of a search, or of those that fit equally


@dataclass(frozen=True)
class Pair:
    """A person and an account side by side: why they may belong together, and what stands in the way."""

    row: Row
    account: Account
    holder: Identity | None  # who of the person's company the account has already
    sessions: int  # that a move ends

    @property
    def suggestion(self) -> Suggestion | None:
        return next((each for each in self.row.suggestions if each.account.id == self.account.id), None)

    @property
    def bound_here(self) -> bool:
        return self.row.person.account_id == self.account.id

    @property
    def possible(self) -> bool:
        may = self.row.person.status in MAY_SIGN_IN and self.account.active
        return may and not self.bound_here and self.holder is None


@bp.get("/bindings/bind")
def choose():
    """Show a person, an account, or both; what is missing is searched for."""
    person = people_table.find_person(number(request.args.get("identity")) or 0)
    account = search.find_account(number(request.args.get("account")) or 0)
    return page(person, account)


def page(person: Identity | None, account: Account | None, **more):
    q = text(request.values.get("q"))
    row = people_table.row(person) if person else None
    candidates = [] if person and account else accounts(row, q) if person else people(account, q)
    shown = [each for each in (person, more.get("stored")) if each]
    shown += [each["person"] for each in candidates if "person" in each]
    return render_template(
        "admin/bind.html",
        row=row,
        account=account,
        pair=pair(row, account) if row and account else None,
        held=search.list_identities(account.id) if account else [],
        candidates=candidates,
        q=q,
        paths=paths.find_paths(shown),
        elements=current_app.elements.list_usable(),
        **more,
    )


def pair(row: Row, account: Account) -> Pair:
    holder = rules.find_holder(account.id, row.person)
    return Pair(row, account, holder, count_identity_sessions(row.person.id) if row.person.account_id else 0)


def accounts(row: Row, q: str) -> list[dict]:
    """Return the accounts to choose from: those the search finds, or else those suggested."""
    fits = {each.account.id: each for each in row.suggestions}
    if not q:
        return [{"account": each.account, "suggestion": each} for each in list(fits.values())[:CANDIDATES]]
    accounts = search.find_accounts(q, CANDIDATES)
    return [{"account": account, "suggestion": fits.get(account.id)} for account in accounts]


def people(account: Account | None, q: str) -> list[dict]:
    """Return the people to choose from: those the search finds, or else those suggested."""
    fits = {each.person.id: each for each in (suggestions.for_account(account) if account else ())}
    if not q:
        return [{"person": each.person, "suggestion": each} for each in list(fits.values())[:CANDIDATES]]
    rows = people_table.rows(Filters(q=q), per_page=CANDIDATES)
    return [{"person": row.person, "suggestion": fits.get(row.person.id)} for row in rows]


@bp.post("/bindings/bind")
def bind():
    """Bind; whoever is bound already moves only with `seen`, the account they were seen with."""
    id, account_id = number(request.form.get("identity")), number(request.form.get("account"))
    g.go_on = url_for("admin_bindings.person", id=id) if id else url_for("admin_bindings.show")
    layout.fresh(url_for(".choose", identity=id, account=account_id))
    person = rules.bind_identity(id or 0, account_id or 0, number(request.form.get("seen")), by=browser.actor())
    say_bound(person)
    return redirect(choose_way_back(request.form.get("back"), url_for("admin_bindings.person", id=person.id)), 303)


def say_bound(person: Identity) -> None:
    account = require_account(person.account_id)
    flash(_("%(name)s can now sign in to %(account)s.", name=person.shown_name, account=account.username), "good")


# By a raw id: looked at before anything is stored


@bp.post("/bindings/look-up")
def look_up():
    """Show whom the platform knows by an id; nothing is stored."""
    element, user_id, account = asked()
    told, problem = None, None
    try:
        with http.deadline():
            told = element.getUserInfo(user_id)
    except Code as error:
        problem = error
    known = element.find_person(user_id)
    answer = page(None, account and require_account(account), told=told, problem=problem, stored=known, via=element)
    return answer, 200 if told else 404 if problem.code == NOT_FOUND else 422


@bp.post("/bindings/store")
def store():
    """Store somebody who was looked up, and go on with them."""
    element, user_id, account = asked()
    element.syncUserInfo(user_id, forceUpdate=True)
    stored = element.find_person(user_id)
    if stored is None:
        raise Code(NOT_FOUND, "the platform has not told who that is")
    return redirect_to(".choose", identity=stored.id, account=account)


def asked():
    """Return the element, the platform's id and the account of a look-up, with no transaction open."""
    element = current_app.elements.find_active(request.form.get("element", ""))
    user_id, account = text(request.form.get("user_id"), 128), number(request.form.get("account"))
    g.go_on = url_for(".choose", account=account)
    if not user_id:
        raise Code(NOT_FOUND, "no id was given")
    database.end_transaction()
    return element, user_id, account


# Conflicts


@bp.get(f"/bindings/{ID}/conflict")
def conflict(id):
    """Show whom the best suggestion is taken from, or the accounts that fit equally, side by side."""
    row = people_table.row(require_person(id))
    if not suggestions.in_conflict(row.suggestions) or row.person.account_id is not None:
        return redirect_to("admin_bindings.person", id=id)
    strongest = row.best.strengths[0]
    equal = [each for each in row.suggestions if each.strengths[0] == strongest][:CANDIDATES]
    shown = [row.person] + [each.holder for each in equal if each.holder]
    held = {each.account.id: search.list_identities(each.account.id) for each in equal}
    sessions = {each.holder.id: count_identity_sessions(each.holder.id) for each in equal if each.holder}
    shown_paths = paths.find_paths(shown)
    return render_template("admin/conflict.html", row=row, equal=equal, held=held, sessions=sessions, paths=shown_paths)


@bp.post(f"/bindings/{ID}/replace")
def replace(id):
    """Move an account from its holder to this person; one who is bound moves with `seen`, as by `bind()`."""
    g.go_on = url_for("admin_bindings.person", id=id)
    layout.fresh(url_for(".conflict", id=id))
    seen = number(request.form.get("seen"))
    account, holder = number(request.form.get("account")) or 0, number(request.form.get("holder")) or 0
    say_bound(rules.replace_holder(id, account, holder, seen, by=browser.actor()))
    return redirect_to("admin_bindings.person", id=id)


@bp.post(f"/bindings/{ID}/decline")
def decline(id):
    """Leave the account with whom it has: it is suggested for this person no more."""
    g.go_on = url_for("admin_bindings.person", id=id)
    account = require_account(number(request.form.get("account")) or 0)
    rules.decline_suggestion(id, account.id, by=browser.actor())
    text = _("%(account)s stays as it is, and is not suggested for %(name)s any more.")
    flash(text % {"account": account.username, "name": require_person(id).shown_name}, "good")
    return redirect_to("admin_bindings.person", id=id)
