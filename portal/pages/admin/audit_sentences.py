"""The sentences that the audit log says to people."""

from dataclasses import dataclass

from babel.lists import format_list
from flask_babel import get_locale, gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from portal.audit import outcomes, searching
from portal.models import Account, AuditEvent, Identity
from portal.pages.admin.audit_causes import find_cause
from portal.pages.admin.audit_fields import FIELDS

# Action and facts -> the sentence. After the action stand the facts that must be true of the entry (see
# `collect_facts`): of the sentences that fit, the one that asks for most is said.
SENTENCES = {
    ("login",): _("%(person)s signed in as %(account)s"),
    ("login", "link"): _("%(account)s signed in with a one-time link"),
    ("login", "refused"): _("%(person)s could not sign in"),
    ("login", "refused", "no person"): _("An unknown person could not sign in"),
    ("login.confirm",): _("%(account)s confirmed their identity"),
    ("login.confirm", "refused"): _("%(account)s could not confirm their identity"),
    ("login.confirm", "refused", "no account"): _("An unknown person could not confirm their identity"),
    ("session.end",): _("%(account)s ended a session"),
    ("session.end", "signed out"): _("%(account)s signed out"),
    ("session.end", "too many"): _(
        "The oldest sessions of %(account)s ended because an account can have at most twenty"
    ),
    ("session.end", "by another"): _("%(actor)s ended sessions of %(account)s"),
    ("session.end_all",): _("%(actor)s ended all sessions of %(account)s"),
    ("session.end_all", "server"): _("All sessions of all accounts were ended on the server"),
    ("account.create_admin",): _("%(account)s was made an administrator on the server"),
    ("account.create_admin", "refused"): _(
        "%(account)s was not made an administrator on the server because people are bound to it"
    ),
    ("account.create",): _("%(account)s was created at the first sign-in of %(person)s"),
    ("account.create", "by another"): _("%(actor)s created the account %(account)s"),
    ("account.create", "by another", "import"): _("%(actor)s created the account %(account)s by import"),
    ("account.create", "by another", "queue"): _("%(actor)s created the account %(account)s for %(person)s"),
    ("account.create", "by another", "person"): _("%(actor)s created the account %(account)s for %(person)s"),
    ("account.create", "refused"): _("%(actor)s could not create an account because the username is taken"),
    ("account.edit",): _("%(actor)s changed the account %(account)s"),
    ("account.edit", "refused"): _("%(actor)s could not rename %(account)s because the username is taken"),
    ("account.disable",): _("%(actor)s disabled %(account)s"),
    ("account.disable", "refused"): _("%(actor)s could not disable %(account)s because it is the last administrator"),
    ("account.enable",): _("%(actor)s enabled %(account)s"),
    ("account.offboard",): _("%(actor)s off-boarded %(account)s"),
    ("account.offboard", "refused"): _(
        "%(actor)s could not off-board %(account)s because it is the last administrator"
    ),
    ("account.role",): _("%(actor)s changed the role of %(account)s"),
    ("account.role", "admin"): _("%(actor)s made %(account)s an administrator"),
    ("account.role", "user"): _("%(actor)s removed the administrator role from %(account)s"),
    ("account.role", "refused"): _(
        "%(actor)s could not remove the administrator role from %(account)s because it is the last administrator"
    ),
    ("link.make",): _("%(actor)s created a one-time link for %(account)s"),
    ("link.make", "refused"): _("%(actor)s could not create a one-time link for %(account)s"),
    ("link.revoke",): _("%(actor)s revoked the one-time link of %(account)s"),
    ("contact.reveal", "mobile"): _("%(actor)s viewed the mobile number of %(account)s"),
    ("contact.reveal", "email"): _("%(actor)s viewed the e-mail address of %(account)s"),
    ("contact.reveal", "mobile", "no account"): _("%(actor)s viewed the mobile number of %(person)s"),
    ("contact.reveal", "email", "no account"): _("%(actor)s viewed the e-mail address of %(person)s"),
    ("binding.offer",): _("%(account)s scanned as %(person)s to bind this person to their own account"),
    ("binding.offer", "refused"): _("%(person)s could not be bound to an account"),
    ("binding.make",): _("%(account)s was bound to %(person)s"),
    ("binding.make", "by holder"): _("%(account)s bound %(person)s to their own account"),
    ("binding.make", "by another"): _("%(actor)s bound %(person)s to %(account)s"),
    ("binding.make", "by another", "import"): _("%(actor)s bound %(person)s to %(account)s by import"),
    ("binding.make", "refused"): _("%(person)s could not be bound to %(account)s"),
    ("binding.end",): _("%(person)s left and was unbound from %(account)s"),
    ("binding.end", "by holder"): _("%(account)s unbound %(person)s from their own account"),
    ("binding.end", "by another"): _("%(actor)s unbound %(person)s from %(account)s"),
    ("binding.end", "refused"): _("%(person)s could not be unbound from %(account)s"),
    ("person.delete",): _("%(person)s was deleted on the server"),
    ("person.delete", "refused"): _("%(person)s could not be deleted on the server"),
    ("keys.reencrypt",): _("Stored tokens were encrypted anew on the server"),
    ("suggestion.decline",): _("%(actor)s declined the suggestion of %(account)s for %(person)s"),
    ("suggestion.decline", "refused"): _("%(actor)s could not decline a suggestion for %(person)s"),
    ("queue.refuse",): _("%(actor)s refused %(person)s"),
    ("queue.refuse", "refused"): _("%(actor)s could not refuse %(person)s"),
    ("queue.reopen",): _("%(actor)s withdrew the refusal of %(person)s"),
    ("queue.reopen", "refused"): _("%(actor)s could not withdraw the refusal of %(person)s"),
    ("sync.ask",): _("%(actor)s started a sync of %(element)s"),
    ("sync.end",): _("The sync of %(element)s has ended"),
    ("sync.end", "stopped"): _("The sync of %(element)s was stopped because too many people would lose access"),
    ("sync.end", "refused"): _("The sync of %(element)s failed"),
    ("import.apply",): _("%(actor)s applied an import of bindings"),
    ("bindings.export",): _("%(actor)s exported the bindings"),
    ("audit.export",): _("%(actor)s exported the audit log"),
    ("application.create",): _("%(actor)s created the application %(application)s"),
    ("application.edit",): _("%(actor)s changed the application %(application)s"),
    ("application.edit", "refused"): _(
        "%(actor)s could not change the application %(application)s because it has changed in the meantime"
    ),
    ("application.switch",): _("%(actor)s switched the application %(application)s"),
    ("application.switch", "on"): _("%(actor)s switched the application %(application)s on"),
    ("application.switch", "off"): _("%(actor)s switched the application %(application)s off"),
    ("application.enter",): _("%(account)s entered the application %(application)s"),
    ("application.refuse", "refused"): _("%(account)s could not enter the application %(application)s"),
    ("application.preview",): _("%(actor)s viewed what the application %(application)s is told about %(account)s"),
    ("application.apply",): _("A file of applications and groups was applied on the server"),
    ("door.refuse", "refused"): _("An unknown person could not enter the application %(application)s"),
    ("secret.make",): _("%(actor)s made a secret of the application %(application)s"),
    ("secret.make", "refused"): _(
        "%(actor)s could not make a secret of the application %(application)s because it has two already"
    ),
    ("secret.expire",): _("%(actor)s expired a secret of the application %(application)s"),
    ("group.create",): _("%(actor)s created the group %(group)s"),
    ("group.create", "refused"): _("%(actor)s could not create the group %(group)s because the name is taken"),
    ("group.edit",): _("%(actor)s changed the group %(group)s"),
    ("group.edit", "department gone"): _(
        "The group %(group)s lost the department %(department)s because the platform no longer has it"
    ),
    ("group.edit", "refused"): _("%(actor)s could not change the group %(group)s"),
    ("group.delete",): _("%(actor)s deleted the group %(group)s"),
    ("group.delete", "refused"): _("%(actor)s could not delete the group %(group)s because applications use it"),
}
OTHER_ACTION = _("%(actor)s: %(action)s")  # what an element's own code has written
REFUSED = _("%(actor)s could not do this: %(action)s")
GROUPS = {  # the actions as the filter names them
    "login": _("Sign-in"),
    "login.confirm": _("Sign-in confirmed"),
    "session.end": _("Session ended"),
    "session.end_all": _("All sessions ended"),
    "account.create": _("Account created"),
    "account.create_admin": _("Administrator created on the server"),
    "account.edit": _("Account changed"),
    "account.disable": _("Account disabled"),
    "account.enable": _("Account enabled"),
    "account.offboard": _("Off-boarded"),
    "account.role": _("Role changed"),
    "link.make": _("One-time link created"),
    "link.revoke": _("One-time link revoked"),
    "contact.reveal": _("Contact data viewed"),
    "binding.offer": _("Scanned to bind"),
    "binding.make": _("Bound"),
    "binding.end": _("Unbound"),
    "person.delete": _("Person deleted"),
    "keys.reencrypt": _("Tokens encrypted anew"),
    "suggestion.decline": _("Suggestion declined"),
    "queue.refuse": _("Refused in the queue"),
    "queue.reopen": _("Refusal withdrawn"),
    "sync.ask": _("Sync started"),
    "sync.end": _("Sync ended"),
    "import.apply": _("Import applied"),
    "bindings.export": _("Bindings exported"),
    "audit.export": _("Audit log exported"),
    "application.create": _("Application created"),
    "application.edit": _("Application changed"),
    "application.switch": _("Application switched on or off"),
    "application.enter": _("Application entered"),
    "application.refuse": _("Application refused"),
    "application.preview": _("Application previewed"),
    "application.apply": _("File of applications applied"),
    "door.refuse": _("Hand-over to an application refused"),
    "secret.make": _("Secret made"),
    "secret.expire": _("Secret expired"),
    "group.create": _("Group created"),
    "group.edit": _("Group changed"),
    "group.delete": _("Group deleted"),
}
APPLIED = {"groups": _("Groups: %(names)s"), "applications": _("Applications: %(names)s")}
# Of a refused one the sentence gives the reason.
EXPLAINED = (
    "account.create",
    "account.create_admin",
    "account.edit",
    "account.disable",
    "account.offboard",
    "account.role",
    "application.edit",
    "secret.make",
    "group.create",
    "group.delete",
)


@dataclass(frozen=True)
class DescribedEvent:
    """An entry of the audit log in words.

    `why`, `remedy` and `notes` say more; it is about `account` and `person`. `outcome` is one of `outcomes.OUTCOMES`.
    """

    event: AuditEvent
    sentence: str
    outcome: str
    why: str
    remedy: str
    notes: list[str]
    actor: Account | None
    account: Account | None
    person: Identity | None


def describe_events(events: list[AuditEvent]) -> list[DescribedEvent]:
    """Return entries in words, in the reader's language."""
    accounts, people = searching.load_names(events)
    return [describe_event(event, accounts, people) for event in events]


def describe_event(event: AuditEvent, accounts: dict[int, Account], people: dict[int, Identity]) -> DescribedEvent:
    """Return one entry in words.

    :param accounts: those that entries name, by id; so are `people`.
    """
    actor, account = accounts.get(event.actor_id), accounts.get(event.account_id)
    person, details = people.get(event.identity_id), event.details or {}
    names = {
        "actor": name_account(actor, event.actor_id) if event.actor_id else gettext("The server"),
        "account": name_account(account, event.account_id),
        "element": event.element or gettext("a login"),
        "person": name_person(person, event.identity_id),
        "action": event.action,
        "application": details.get("application", ""),
        "group": details.get("group", ""),
        "department": details.get("department", ""),
    }
    sentence = str(choose_sentence(event)) % names
    why = remedy = ""
    if event.result and event.action not in EXPLAINED:
        cause = find_cause(event.result, event.action)
        why, remedy = str(cause.text), str(cause.remedy)
    about = (actor, account, person)
    return DescribedEvent(
        event, sentence, outcomes.classify_result(event.result), why, remedy, list_notes(event), *about
    )


def choose_sentence(event: AuditEvent) -> LazyString:
    """Return the sentence that fits an entry best.

    It has places for the names.
    """
    facts = collect_facts(event)
    fitting = [key for key in SENTENCES if key[0] == event.action and facts.issuperset(key[1:])]
    refused = [key for key in fitting if "refused" in key]
    if event.result and not refused:
        return REFUSED
    return SENTENCES[max(refused or fitting, key=len)] if fitting else OTHER_ACTION


def collect_facts(event: AuditEvent) -> set[str]:
    """Return the facts of an entry that `SENTENCES` names."""
    details = event.details or {}
    facts = {str(details[name]) for name in ("how", "why", "role", "field", "state") if name in details}
    if event.result:
        facts.add("refused")
    if event.identity_id is None:
        facts.add("no person")
    if event.account_id is None:
        facts.add("no account")
    if event.actor_id is not None:
        facts.add("by holder" if event.actor_id == event.account_id else "by another")
    return facts


def name_account(account: Account | None, id: int | None) -> str:
    """Return an account's name, or its number once deleted."""
    if account is not None:
        return account.username
    return gettext("account no. %(id)s", id=id) if id else gettext("an account")


def name_person(person: Identity | None, id: int | None) -> str:
    """Return a person's name, or their number once deleted."""
    if person is not None:
        return person.shown_name
    return gettext("person no. %(id)s", id=id) if id else gettext("a person")


def list_notes(event: AuditEvent) -> list[str]:
    """Return what an entry's details add to its sentence."""
    details, notes = event.details or {}, []
    if details.get("fields"):
        fields = [str(FIELDS.get(field, field)) for field in details["fields"]]
        notes.append(gettext("Changed: %(fields)s", fields=format_list(fields, locale=get_locale())))
    if details.get("sessions"):
        notes.append(ngettext("%(num)s session ended", "%(num)s sessions ended", details["sessions"]))
    if details.get("hint"):
        notes.append(gettext("It ends in %(hint)s", hint=details["hint"]))
    for kind, text in APPLIED.items():
        if details.get(kind):
            notes.append(str(text) % {"names": ", ".join(details[kind])})
    if "rows" in details:
        notes.append(ngettext("%(num)s line", "%(num)s lines", details["rows"]))
    return notes
