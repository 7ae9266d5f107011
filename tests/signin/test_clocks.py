"""Several machines behind one address: their clocks differ by some seconds, and sign-ins go on."""

import time

import pytest


@pytest.fixture
def differ(monkeypatch):
    """Return a function that sets this process's clock so many seconds ahead."""
    real = time.time

    def set_ahead(seconds):
        monkeypatch.setattr(time, "time", lambda: real() + seconds)

    return set_ahead


@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
@pytest.mark.parametrize(("start", "finish"), [(3, 0), (0, 3), (50, 0), (0, 50)])
def test_a_login_may_finish_on_a_machine_with_another_clock(client, differ, element, start, finish):
    differ(start)
    address = client.scan(element)
    differ(finish)
    assert client.get(address).status_code == 303
    assert client.session().status_code == 200


def test_a_form_of_a_machine_that_is_ahead_counts_on_another(client, differ):
    differ(50)
    token = client.get("/api/csrf").json["csrfToken"]
    differ(0)
    assert client.post("/logout", data={"csrf_token": token}).status_code == 303


@pytest.mark.parametrize("ahead", [70, -32 * 86_400])
def test_a_visit_of_another_time_is_none(client, differ, ahead):
    differ(ahead)
    address = client.scan()
    differ(0)
    assert client.get(address).status_code == 400
