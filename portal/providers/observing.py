"""What monitoring learns of calls to platforms."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from portal import metrics
from portal.errors import UNAVAILABLE, Code
from portal.logs import log_event

log = logging.getLogger(__name__)

EXPECTED = ("refused", "busy", "paused")  # outcomes of a platform that works as it should, or has been reported


@contextmanager
def observe(platform: str, call: str) -> Iterator[None]:
    """Note a platform call's outcome and duration.

    :param call: its path without ids.
    """
    began, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "ok"
    except Code as error:
        outcome = name_call_outcome(error)
        level = logging.INFO if outcome in EXPECTED else logging.WARNING
        facts = {"number": error.code, "native": error.native}
        log_event(log, level, "platform_error", platform=platform, call=call, outcome=outcome, **facts)
        raise
    finally:
        metrics.observe_call(platform, call, outcome, time.perf_counter() - began)


def name_call_outcome(error: Code) -> str:
    """Return which of `metrics.CALL_OUTCOMES` an error means."""
    return getattr(error, "outcome", None) or ("failed" if error.code == UNAVAILABLE else "refused")
