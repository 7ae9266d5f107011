"""Secrets of applications are shown once, and two work at a time."""

import pytest
from sqlalchemy import select
from support.portal_app import both_databases

from portal.applications import application_secrets, catalogue
from portal.applications.application_secrets import TooManySecrets
from portal.audit import Actor
from portal.database import fingerprint
from portal.errors import CONFLICT, NO_SUCH_PAGE, Code
from portal.models import ApplicationSecret

BY = Actor()


@pytest.fixture
def wiki(store):
    return catalogue.create_application({"name": "wiki"}, by=BY)


@both_databases
def test_of_a_secret_only_its_hash_and_end_are_stored(store, wiki, read_trail):
    secret = application_secrets.make_secret("wiki", by=BY)
    row = store.scalars(select(ApplicationSecret)).one()
    assert len(secret) == 43  # 32 bytes in base64
    assert (row.secret_hash, row.hint, row.expires_at) == (fingerprint(secret), secret[-4:], None)
    assert read_trail("secret.make") == [(0, {"application": "wiki", "hint": secret[-4:]})]


@both_databases
def test_two_secrets_work_and_a_third_needs_the_end_of_one(store, wiki, read_trail):
    first, second = (application_secrets.make_secret("wiki", by=BY) for _ in range(2))
    with pytest.raises(TooManySecrets) as error:
        application_secrets.make_secret("wiki", by=BY)
    assert error.value.status == 409
    oldest = application_secrets.list_usable_secrets(wiki)[0]
    assert application_secrets.expire_secret("wiki", oldest.id, by=BY)
    assert not application_secrets.expire_secret("wiki", oldest.id, by=BY)
    third = application_secrets.make_secret("wiki", by=BY)
    usable = [row.hint for row in application_secrets.list_usable_secrets(wiki)]
    assert usable == [second[-4:], third[-4:]]
    assert [result for result, _details in read_trail("secret.make")] == [0, 0, CONFLICT, 0]
    assert read_trail("secret.expire") == [(0, {"application": "wiki", "hint": first[-4:]})]


def test_a_secret_is_expired_at_its_own_application_only(store, wiki):
    catalogue.create_application({"name": "other"}, by=BY)
    application_secrets.make_secret("wiki", by=BY)
    id = application_secrets.list_usable_secrets(wiki)[0].id
    for act in (
        lambda: application_secrets.expire_secret("other", id, by=BY),
        lambda: application_secrets.expire_secret("wiki", id + 1, by=BY),
        lambda: application_secrets.make_secret("none", by=BY),
    ):
        with pytest.raises(Code) as error:
            act()
        assert error.value.code == NO_SUCH_PAGE
    assert len(application_secrets.list_usable_secrets(wiki)) == 1
