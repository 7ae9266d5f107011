"""The words of the pages about people and bindings."""

from babel.lists import format_list
from flask_babel import get_locale
from flask_babel import lazy_gettext as _

from portal.audit import outcomes
from portal.bindings import suggestions

STATUSES = {  # of a row in the table -> its word, and the class of its sign and colour
    "bound": (_("bound"), "good"),
    "suggested": (_("suggestion"), "maybe"),
    "waiting": (_("waiting"), "wait"),
    "conflict": (_("conflict"), "bad"),
    "left_bound": (_("departed, still bound"), "bad"),
    "left": (_("departed"), "off"),
    "refused": (_("refused"), "no"),
    "unbound": (_("unbound"), "off"),
}
STATUS_NAMES = {status: word for status, (word, _kind) in STATUSES.items()}
OUTCOMES = {  # of an entry of the audit log -> its word, and the class of its sign and colour
    outcomes.OK: (_("done"), "good"),
    outcomes.REFUSED: (_("refused"), "bad"),
    outcomes.FAILED: (_("failed"), "failed"),
    outcomes.UNFINISHED: (_("not finished"), "off"),
}
OUTCOME_NAMES = {outcome: word for outcome, (word, _kind) in OUTCOMES.items()}
COUNTERS = {  # in their order
    "": _("All"),
    "bound": _("Bound"),
    "suggested": _("Suggestions"),
    "waiting": _("Waiting"),
    "conflict": _("Conflicts"),
    "left_bound": _("Departed, still bound"),
}
QUEUE_KINDS = {  # of waiting requests, in their order
    "clear": _("Clear suggestion"),
    "conflict": _("Conflict"),
    "none": _("No suggestion"),
    "other": _("Other company"),
}
REASONS = {
    "before": _("had this account before"),
    "returned": _("had this account before and left in between"),
    "employee_number": _("same employee number"),
    "email": _("same company e-mail"),
    "own_email": _("same e-mail, entered by the person"),
    "leaver": _("a departed person of this name and department had it"),
    "name_department": _("same name, same department"),
}
WEAK_REASONS = {name for strength, name in suggestions.REASONS.items() if strength not in suggestions.STRONG} | {
    "returned"
}
COMPARED_FIELDS = {
    "name": _("Name"),
    "employee_number": _("Employee number"),
    "email": _("E-mail"),
    "mobile": _("Mobile"),
    "department": _("Department"),
    "status": _("State"),
}
COMPARED_STATUSES = {
    "active": _("active"),
    "departed": _("departed"),
    "frozen": _("frozen or disabled"),
    "not_activated": _("not yet activated"),
    "disabled": _("disabled"),
}
VERDICTS = {"same": ("✓", _("same")), "differs": ("≠", _("differs")), "unknown": ("–", _("not known"))}
OBSTACLES = {
    "bound_here": _("already bound to each other"),
    "disabled": _("the account is disabled"),
}
BOUND_HOW = {
    "self": _("by the person"),
    "administrator": _("by an administrator"),
    "queue": _("from the queue"),
    "created": _("with a new account"),
    "import": _("by import"),
}
STALE = {
    "30": _("older than 30 days"),
    "90": _("older than 90 days"),
    "180": _("older than half a year"),
    "365": _("older than a year"),
    "never": _("bound, but never signed in"),
}
FILTERS = {
    "q": _("the search"),
    "provider": _("the platform"),
    "department": _("the department"),
    "status": _("the status"),
    "stale": _("the last sign-in"),
}
PERSON_STATES = {2: _("departed"), 3: _("frozen or disabled"), 4: _("not yet activated")}


def list_fields(fields: list[str]) -> str:
    """Return the names of compared fields as one list."""
    return format_list([str(COMPARED_FIELDS[field]) for field in fields], locale=get_locale())
