"""Downloads of lists as CSV files, and their record."""

from collections.abc import Iterable
from datetime import UTC, datetime

from flask import Response, request, stream_with_context

from portal import audit
from portal.bindings import csv_files
from portal.pages import browser


def send_csv(headings: list[str], lines: Iterable[list], name: str) -> Response:
    """Send lines as a file while they are read."""
    response = Response(stream_with_context(csv_files.write_csv(headings, lines)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{datetime.now(UTC):%Y-%m-%d}.csv"'
    return response


def record_csv_export(name: str, filters: list[str]) -> None:
    """Record the export of a list in the audit log.

    :param name: `audit` or `bindings`.
    :param filters: the names of the filters in use.
    """
    if request.method != "HEAD":
        audit.record_export(name, by=browser.get_actor(), filter=filters)
