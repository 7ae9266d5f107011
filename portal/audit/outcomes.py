"""The outcomes of recorded acts."""

from sqlalchemy import ColumnElement

from portal import errors
from portal.models import AuditEvent

OK, REFUSED, FAILED, UNFINISHED = "ok", "refused", "failed", "unfinished"
OUTCOMES = (OK, REFUSED, FAILED, UNFINISHED)
UNFINISHED_NUMBERS = (  # nothing was refused: the person has stopped, waits, or starts again
    errors.BAD_CODE,
    errors.NOT_SIGNED_IN,
    errors.BAD_STATE,
    errors.NOT_BOUND,
    errors.CANCELLED,
    errors.STALE_FORM,
)
FAILED_NUMBERS = (  # of the portal, its setup, or the platform
    errors.BAD_CREDENTIALS,
    errors.BAD_TOKEN,
    errors.EXPIRED_TOKEN,
    errors.NOT_PERMITTED,
    errors.SETTING_MISSING,
    errors.SETTING_WRONG,
    errors.UNAVAILABLE,
    errors.FAULT,
)


def classify_result(number: int) -> str:
    """Return one of `OUTCOMES`.

    :param number: 0 or an error number, as an entry has it.
    """
    if number in UNFINISHED_NUMBERS:
        return UNFINISHED
    return (FAILED if number in FAILED_NUMBERS else REFUSED) if number else OK


def match_outcome(outcome: str) -> ColumnElement[bool]:
    """Return the condition for entries of one of `OUTCOMES`."""
    result = AuditEvent.result
    if outcome == REFUSED:
        return result.not_in((0, *UNFINISHED_NUMBERS, *FAILED_NUMBERS))
    return result.in_({OK: (0,), FAILED: FAILED_NUMBERS, UNFINISHED: UNFINISHED_NUMBERS}[outcome])
