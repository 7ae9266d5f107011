"""Times as people read them, in the portal's time zone."""

from datetime import datetime, timedelta, tzinfo

from babel.dates import format_datetime
from flask import current_app
from flask_babel import format_timedelta, get_locale, gettext

from portal.clocks import now

# Day, month and year in a form that no reader takes for another; the title adds seconds and the distance to UTC.
DAY = {"en": "d MMM y", "zh": "y-MM-dd"}
SHORT = {"en": "d MMM y, HH:mm", "zh": "y-MM-dd HH:mm"}
EXACT = {"en": "d MMM y, HH:mm:ss ZZZZ", "zh": "y-MM-dd HH:mm:ss ZZZZ"}
YEARS = range(1971, 3000)  # of a day that a filter takes


def get_timezone() -> tzinfo:
    """Return the time zone of the pages."""
    return current_app.config["PORTAL_TIMEZONE"]


def describe_age(moment: datetime) -> str:
    """Return how long ago something was, in the reader's language."""
    past = moment - now()
    return gettext("just now") if past.total_seconds() > -60 else format_timedelta(past, add_direction=True)


def format_day(moment: datetime) -> str:
    """Return the local day of a time."""
    return format_local(moment, DAY)


def format_short(moment: datetime) -> str:
    """Return a local time to the minute."""
    return format_local(moment, SHORT)


def format_exact(moment: datetime) -> str:
    """Return a local time to the second, with its offset."""
    return format_local(moment, EXACT)


def format_local(moment: datetime, patterns: dict[str, str]) -> str:
    """Return a local time by the pattern of a language."""
    locale = get_locale()
    return format_datetime(moment.astimezone(get_timezone()), patterns[locale.language], locale=locale)


def read_day(value: str | None) -> datetime | None:
    """Return the beginning of a local day.

    :param value: such as `2026-11-20`; any other text becomes `None`.
    """
    try:
        day = datetime.strptime(value or "", "%Y-%m-%d")
    except ValueError:
        return None
    return day.replace(tzinfo=get_timezone()) if day.year in YEARS else None


def add_day(day: datetime) -> datetime:
    """Return the beginning of the next local day.

    A day can have 23 or 25 hours.
    """
    return day + timedelta(days=1)
