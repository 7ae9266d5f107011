"""The pages for binding by hand and for conflicts."""

from dataclasses import dataclass

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal import database
from portal.accounts import search
from portal.bindings import candidates, evidence, people_table, rules, suggestions
from portal.bindings.evidence import ComparedField
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

MOST_ACCOUNTS = 20  # shown of those that fit equally


@dataclass(frozen=True)
class ChosenPair:
    """A person and an account that may be bound together.

    :param holder: another person of the same company that the account has.
    :param sessions: how many sessions end when the person moves.
    :param fields: what is known of the account, and the person compared with it.
    """

    row: Row
    account: Account
    holder: Identity | None
    sessions: int
    fields: list[ComparedField]

    @property
    def suggestion(self) -> Suggestion | None:
        """The suggestion of just this account, if there is one."""
        own = (suggestion for suggestion in self.row.suggestions if suggestion.account.id == self.account.id)
        return next(own, None)

    @property
    def differences(self) -> list[str]:
        """The fields that speak against it."""
        return evidence.list_fields_of_verdict(self.fields, evidence.DIFFERS)

    @property
    def matches(self) -> list[str]:
        """The fields that speak for it.

        That both could sign in says nothing.
        """
        return [name for name in evidence.list_fields_of_verdict(self.fields, evidence.SAME) if name != "status"]

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
    held = search.list_identities(account.id) if account else []
    offered = None
    if not (person and account):
        offered = candidates.offer_accounts(row, q) if row else candidates.offer_people(account, q)
    people = [*filter(None, [person, result.get("stored")]), *held, *list_offered_people(offered)]
    departments = paths.find_paths(people)
    return render_template(
        "admin/bind.html",
        row=row,
        account=account,
        pair=compare_pair(row, account, held, departments) if row and account else None,
        held=held,
        offered=offered,
        q=q,
        back=accept_local_path(request.values.get("back")),
        paths=departments,
        elements=current_app.elements.list_usable(),
        **result,
    )


def list_offered_people(offered: candidates.Candidates | None) -> list[Identity]:
    """Return the people among the candidates."""
    groups = [row for row in offered.rows if isinstance(row, list)] if offered else []
    return [candidate.person for group in groups for candidate in group]


def compare_pair(row: Row, account: Account, held: list[Identity], departments: dict) -> ChosenPair:
    """Return a person with an account, field by field.

    :param held: the people bound to the account; the person is not compared with themselves.
    :param departments: the paths of all these people.
    """
    person, others = row.person, [identity for identity in held if identity.id != row.person.id]
    holder = rules.find_holder(account.id, person)
    sessions = count_identity_sessions(person.id) if person.account_id else 0
    fields = evidence.compare_facts(
        evidence.collect_account_facts(account, others, departments),
        evidence.collect_person_facts(person, departments),
    )
    return ChosenPair(row, account, holder, sessions, fields)


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
    equal = [suggestion for suggestion in row.suggestions if suggestion.strengths[0] == strongest][:MOST_ACCOUNTS]
    ids = [suggestion.account.id for suggestion in equal]
    held = {id: search.list_identities(id) for id in ids}
    unbound_by_move = [equal[0].holder] if len(equal) == 1 else []
    departments = paths.find_paths([row.person, *(person for people in held.values() for person in people)])
    return render_template(
        "admin/conflict.html",
        row=row,
        equal=equal,
        back=get_way_back(id),
        fields=compare_conflict(row.person, equal, held, departments),
        held=held,
        sessions={holder.id: count_identity_sessions(holder.id) for holder in unbound_by_move},
        sign_ins=search.load_last_sign_ins(ids),
    )


def compare_conflict(person: Identity, equal: list[Suggestion], held: dict, departments: dict) -> list[ComparedField]:
    """Return the sides of a conflict, field by field.

    Of several accounts, each is compared with the person. Of one account, its holder and the person are compared with
    it, and what is known of the two does not count as the account's.

    :param held: the people of each account, by its id.
    """
    own = evidence.collect_person_facts(person, departments)
    if len(equal) > 1:
        sides = (suggestion.account for suggestion in equal)
        accounts = (evidence.collect_account_facts(account, held[account.id], departments) for account in sides)
        return evidence.compare_facts(own, *accounts)
    account, holder = equal[0].account, equal[0].holder
    others = [identity for identity in held[account.id] if identity.id != holder.id]
    reference = evidence.collect_account_facts(account, others, departments)
    return evidence.compare_facts(reference, evidence.collect_person_facts(holder, departments), own)


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
