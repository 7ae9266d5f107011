"""Uploads of CSV files, and the results of their lines."""

import csv
import io

from sqlalchemy import select
from support.admin_client import open_database, strip_markup

from portal.models import FSInnerAuthModel, ImportRow
from portal.models import QywxInnerAuthModel as WeCom

CSV_HEADER = "username,employee number,e-mail,mobile,platform,platform id,name,role\n"


def store_person(portal, user_id, model=WeCom, account_id=None, **more):
    """Store a person of either platform and return the id."""
    facts = {"provider": "feishu" if model is FSInnerAuthModel else "wecom", "tenant": "company", **more}
    with open_database(portal) as session:
        ids = {"subject": user_id.lower(), "user_id": user_id, "account_id": account_id}
        person = model(**{"name": user_id.title(), **ids, **facts})
        session.add(person)
        session.commit()
        return person.id


def upload_csv(browser, content, name="staff.csv"):
    content = content if isinstance(content, bytes) else content.encode()
    return browser.post_form("/admin/bindings/import", file=(io.BytesIO(content), name))


def start_dry_run(browser, lines, head=CSV_HEADER):
    """Upload lines and return the address of the dry run."""
    answer = upload_csv(browser, head + lines)
    assert answer.status_code == 303, strip_markup(answer.text)
    return answer.location


def read_outcomes(portal, address):
    """Return the outcome and reason planned for each line."""
    with open_database(portal) as session:
        rows = select(ImportRow).where(ImportRow.import_id == int(address.rpartition("/")[2])).order_by(ImportRow.line)
        return {row.line: (row.outcome, row.reason) for row in session.scalars(rows)}


def read_results(portal, address):
    """Return the result and reason of each applied line."""
    with open_database(portal) as session:
        rows = select(ImportRow).where(ImportRow.import_id == int(address.rpartition("/")[2])).order_by(ImportRow.line)
        return {row.line: (row.result, row.reason) for row in session.scalars(rows)}


def read_csv(answer):
    """Return the rows of a downloaded file.

    It must begin with the mark by which spreadsheets recognise UTF-8.
    """
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def post_whole_file(browser, content):
    """Send a file as one piece.

    The test client would keep a large one in a file of its own.
    """
    token = browser.get("/api/csrf").json["csrfToken"]
    parts = {'name="csrf_token"': token.encode(), 'name="file"; filename="staff.csv"': content}
    body = b"".join(
        f"--edge\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode() + value + b"\r\n"
        for name, value in parts.items()
    )
    body += b"--edge--\r\n"
    return browser.post("/admin/bindings/import", data=body, content_type="multipart/form-data; boundary=edge")
