"""The sandbox answers a body without JSON object as empty."""

import pytest
from support.sandbox_tokens import OIDC, V2, RequestFiller, send_request

NUMBERS = {  # path: its answer to an empty body
    "/open-apis/auth/v3/tenant_access_token/internal": 10003,
    OIDC: 20001,
    V2: 20063,
    "/open-apis/contact/v3/users/basic_batch": 40001,
    "/cgi-bin/auth/getuserdetail": 84090,
}
BODIES = {"deep": b"[" * 100_000, "list": b"[]", "cut": b"{", "null": b"null", "no text": b"\xff", "empty": b""}


@pytest.mark.parametrize("path", NUMBERS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_object_counts_as_empty(sandbox, path, body):
    filler = RequestFiller(sandbox)
    headers = {} if path == V2 else {"Authorization": f"Bearer {filler.tenant_token()}"}
    answer = send_request(
        sandbox, "POST", path, params={"access_token": filler.corp_token()}, headers=headers, data=body
    ).json()

    assert answer.get("code", answer.get("errcode")) == NUMBERS[path]
