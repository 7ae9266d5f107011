"""One suggestion is accepted from its row, as it was shown there."""

import re

import pytest
from support.portal_app import both_databases
from support.rows import add_account, add_person, add_request, reload_row

from portal.database import db
from portal.models import Account

pytestmark = [both_databases, pytest.mark.usefixtures("alice", "context")]


def promote(username):
    db.session.query(Account).filter_by(username=username).update({"role": "admin"})
    db.session.commit()


def read_fields(page, form):
    """Return the hidden fields of a form on a page."""
    section = re.search(rf'<form id="{form}".*?</form>', page, re.S)[0]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', section))
    return {name: value for name, value in fields.items() if name != "csrf_token"}


@pytest.mark.parametrize("is_promoted", [False, True], ids=["as shown", "an administrator's meanwhile"])
def test_the_table_binds_what_its_row_has_shown(alice, is_promoted):
    account, person = add_account("zw", employee_number="E1"), add_person("zw", employee_number="E1")
    page = alice.get("/admin/bindings?status=suggested").text
    assert f'value="{person.id}:{account.id}"' in page
    if is_promoted:
        promote("zw")
    alice.post_form("/admin/bindings/accept", pair=f"{person.id}:{account.id}", **read_fields(page, "one"))
    assert reload_row(person).account_id == (None if is_promoted else account.id)


@pytest.mark.parametrize("is_promoted", [False, True], ids=["as shown", "an administrator's meanwhile"])
def test_the_queue_binds_what_its_row_has_shown(alice, is_promoted):
    account, person = add_account("zw", employee_number="E1"), add_person("zw", employee_number="E1")
    request = add_request(person)
    if is_promoted:
        promote("zw")
    answer = alice.post_form(f"/admin/queue/{request.id}/bind", account=account.id)
    assert answer.status_code == (409 if is_promoted else 303)
    assert reload_row(person).account_id == (None if is_promoted else account.id)
