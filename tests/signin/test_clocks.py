"""Logins work on machines with slightly different clocks."""

import time

import pytest


@pytest.fixture
def set_clock(monkeypatch):
    """Return a function that moves this process's clock.

    It takes the seconds ahead of the real time.
    """
    real = time.time

    def set_ahead(seconds):
        monkeypatch.setattr(time, "time", lambda: real() + seconds)

    return set_ahead


@pytest.mark.parametrize("element", ["FSInnerExample", "QywxInnerExample"])
@pytest.mark.parametrize(("start", "finish"), [(3, 0), (0, 3), (50, 0), (0, 50)])
def test_a_login_may_finish_on_a_machine_with_another_clock(client, set_clock, element, start, finish):
    set_clock(start)
    address = client.scan(element)
    set_clock(finish)
    assert client.get(address).status_code == 303
    assert client.session().status_code == 200


def test_a_form_of_a_fast_clock_counts_on_another_machine(client, set_clock):
    set_clock(50)
    token = client.get("/api/csrf").json["csrfToken"]
    set_clock(0)
    assert client.post("/logout", data={"csrf_token": token}).status_code == 303


@pytest.mark.parametrize("ahead", [70, -32 * 86_400])
def test_a_visit_from_a_wrong_time_is_refused(client, set_clock, ahead):
    set_clock(ahead)
    address = client.scan()
    set_clock(0)
    assert client.get(address).status_code == 400
