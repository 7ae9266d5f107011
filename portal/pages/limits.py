"""Limits on what one browser or address may try.

Beyond one, nothing is stored but a number. Refused callbacks and wrong links are turned away, never a callback or link
that works: so no visitor can shut out the others of an office, and a limit may be counted late.
"""

import logging
import math
import threading
import time
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from flask import Flask, current_app, g, request, session
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from portal import metrics
from portal.database import fingerprint
from portal.errors import TOO_MANY_TRIES, Code
from portal.logs import log_event

log = logging.getLogger(__name__)

REDIS_PAUSE = 15.0  # seconds for which a Redis that failed is not asked again
REDIS_TIMEOUT = 1.0  # seconds that the first request waits for a Redis that does not answer
ADDRESS_BITS = 64  # of an IPv6 address: one visitor has all addresses of such a network


class Limit(NamedTuple):
    """A number of tries within a time.

    :param name: the name in the store, the log and the metrics.
    """

    name: str
    tries: RateLimitItem


NEW_ATTEMPTS = Limit("new_attempts", parse("600 per 5 minutes"))  # an office shares an address
REFUSED_ENTRIES = Limit("refused_entries", parse("20 per 5 minutes"))
REFUSED_OF_ADDRESS = Limit("refused_of_address", parse("300 per 5 minutes"))
REFUSED_OF_BROWSER = Limit("refused_of_browser", parse("20 per 5 minutes"))
WAITING_SIGN_INS = Limit("waiting_sign_ins", parse("20 per 5 minutes"))
REFUSED_TICKETS = Limit("refused_tickets", parse("300 per 5 minutes"))  # an office shares an address
WRONG_LINKS = Limit("wrong_links", parse("10 per 5 minutes"))


class TooManyTries(Code):
    """TOO_MANY_TRIES, with the time to wait.

    :param seconds: how long.
    """

    def __init__(self, limit: Limit, seconds: int):
        super().__init__(TOO_MANY_TRIES, f"the limit {limit.name} is reached")
        self.retry_after = seconds


class Counters:
    """Counts tries in Redis, or in this process.

    A Redis that fails is left alone for a while: this process counts until then, and no request waits.

    :param redis_url: `None`: each process counts for itself.
    """

    def __init__(self, redis_url: str | None):
        self.memory, self.redis = MemoryStorage(), open_redis(redis_url) if redis_url else None
        self.lock = threading.Lock()
        self.paused_until: float | None = None  # on the monotonic clock; `None` while Redis answers

    def count_try(self, limit: Limit, of: str) -> int:
        """Count a try, and return the seconds to wait.

        :return: 0 where it is within the limit.
        """
        if self.redis is None or not self.may_ask_redis():
            return count_in(self.memory, limit, of)
        try:
            seconds = count_in(self.redis, limit, of)
        except Exception as error:  # of Redis's or the network's own kinds
            self.paused_until = time.monotonic() + REDIS_PAUSE
            log_event(log, logging.WARNING, "limits_local", error=type(error).__name__)
            return count_in(self.memory, limit, of)
        if self.paused_until is not None:
            self.paused_until = None
            log_event(log, logging.INFO, "limits_shared")
        return seconds

    def may_ask_redis(self) -> bool:
        """Tell whether this request may ask Redis.

        After a pause the first one may. The others do not wait for its answer.
        """
        with self.lock:
            moment = time.monotonic()
            if self.paused_until is None:
                return True
            if moment < self.paused_until:
                return False
            self.paused_until = moment + REDIS_PAUSE
            return True


def open_redis(url: str) -> Storage:
    """Return the store in Redis.

    It connects at its first use.
    """
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    time_limits = {"socket_connect_timeout": REDIS_TIMEOUT, "socket_timeout": REDIS_TIMEOUT}
    return storage_from_string(url, key_prefix="portal", retry=Retry(NoBackoff(), 0), **time_limits)


def count_in(storage: Storage, limit: Limit, of: str) -> int:
    """Count a try in a store.

    The time begins with the first try.

    :return: the seconds to wait; 0 within the limit.
    """
    window = FixedWindowRateLimiter(storage)
    if window.hit(limit.tries, limit.name, of):
        return 0
    return max(1, math.ceil(window.get_window_stats(limit.tries, limit.name, of).reset_time - time.time()))


def init_app(app: Flask) -> None:
    """Give an app its counters."""
    app.extensions["limits"] = Counters(app.config["PORTAL_REDIS_URL"])


def count_attempt() -> None:
    """Count a login that this address begins.

    :raises TooManyTries: beyond the limit.
    """
    check_tries((NEW_ATTEMPTS, get_network()))


def count_waiting_sign_in(reference: str) -> None:
    """Count an attempt to sign in from the waiting page.

    :param reference: of the request that waits.
    :raises TooManyTries: beyond the limit.
    """
    check_tries((WAITING_SIGN_INS, reference))


def count_wrong_link() -> None:
    """Count a wrong one-time link.

    :raises TooManyTries: beyond the limit.
    """
    check_tries((WRONG_LINKS, get_network()))


def count_refused_entry(account_id: int, application_id: int) -> None:
    """Count a refusal of an account at an application.

    :raises TooManyTries: beyond the limit; then the refusal is not recorded.
    """
    check_tries((REFUSED_ENTRIES, f"{account_id} {application_id}"))


def count_refused_ticket() -> None:
    """Count a ticket of an application that does not work.

    :raises TooManyTries: beyond the limit; then the refusal is not recorded.
    """
    check_tries((REFUSED_TICKETS, get_network()))


def count_refused_callback(error: Code) -> None:
    """Count a refused callback.

    One whose person is known counts as a begun login alone. Failures of a platform or of the portal don't count.

    :raises TooManyTries: beyond a limit; then the refusal is not recorded.
    """
    if error.status >= 500:
        return
    tries = [(REFUSED_OF_ADDRESS, get_network())]
    if "browser" in session and "browser_is_new" not in g:
        tries.append((REFUSED_OF_BROWSER, fingerprint(session["browser"]).hex()))
    check_tries(*tries)


def check_tries(*tries: tuple[Limit, str]) -> None:
    """Count a try for each limit.

    :raises TooManyTries: beyond one of them.
    """
    counters = current_app.extensions["limits"]
    waits = {limit: counters.count_try(limit, of) for limit, of in tries}
    limit = max(waits, key=waits.get)
    if waits[limit]:
        note_reached(limit)
        raise TooManyTries(limit, waits[limit])


def note_reached(limit: Limit) -> None:
    """Log and count a try beyond a limit."""
    metrics.count_limit_hit(limit.name)
    log_event(log, logging.WARNING, "limit_hit", limit=limit.name)


def get_network() -> str:
    """Return what counts as the visitor's address.

    Visitors without a known address share one count.
    """
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(ip_network((address, ADDRESS_BITS), strict=False) if isinstance(address, IPv6Address) else address)
