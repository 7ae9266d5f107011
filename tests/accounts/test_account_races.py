"""Simultaneous changes of bindings by the users themselves.

They run over HTTP on several worker processes. One wins, the other is refused.
"""

import re
from collections import Counter

import pytest
from support.http_visitors import Visitor, run_at_once
from support.portal_app import FEISHU, WECOM, answer_platform, both_databases

pytestmark = both_databases

many = pytest.param(50, marks=pytest.mark.soak)


class Holder(Visitor):
    """A signed-in user with the account page's forms."""

    def __init__(self, server, element, person):
        super().__init__(server)
        assert self.get(self.scan(element, person)).status_code == 303
        self.csrf = self.get("/api/csrf").json()["csrfToken"]

    def post(self, path, **fields):
        data = {**fields, "csrf_token": self.csrf}
        return self.http.post(self.server.url + path, data=data, allow_redirects=False, timeout=20)

    def offer(self, element, person):
        """Scan as a person and return the id shown."""
        answer = self.get(answer_platform(self.post(f"/account/bind/{element}").headers["Location"], person))
        assert answer.headers["Location"] == "/account/bind/confirm", answer.text
        return re.search(r'name="identity" value="(\d+)"', self.get("/account/bind/confirm").text)[1]


@pytest.mark.parametrize("rounds", [5, many])
def test_two_accounts_cannot_both_get_one_person(serve, sandbox, sql, rounds):
    server = serve(workers=4, threads=4)
    holders = {name: Holder(server, WECOM, name) for name in ("zhangsan", "lisi")}
    for _ in range(rounds):
        person = {name: holder.offer(FEISHU, "bob") for name, holder in holders.items()}
        calls = [
            lambda n=name, h=holder, p=person[name]: (n, h.post("/account/bind/confirm", identity=p))
            for name, holder in holders.items()
        ]
        answers = dict(run_at_once(calls))
        assert Counter(answer.status_code for answer in answers.values()) == {303: 1, 409: 1}, server.output()
        winner = next(name for name, answer in answers.items() if answer.status_code == 303)
        loser = next(answer for answer in answers.values() if answer.status_code == 409)
        assert "bound to another account" in loser.text
        assert not any(name in loser.text.partition("<main")[2] for name in (winner, "张三", "李四"))
        held = "SELECT username FROM identity JOIN account ON account.id = account_id WHERE provider = 'feishu'"
        assert sql(held) == [(winner,)]
        sql("UPDATE identity SET account_id = NULL WHERE provider = 'feishu'")
    assert sql("SELECT count(*) FROM audit_event WHERE action = 'binding.make'") == [(2 * rounds,)]


@pytest.mark.parametrize("rounds", [5, many])
def test_two_unbindings_at_once_leave_one_way_in(serve, sandbox, sql, rounds):
    server = serve(workers=4, threads=4)
    first = Holder(server, FEISHU, "zhangsan")
    identity = first.offer(WECOM, "zhangsan")
    assert first.post("/account/bind/confirm", identity=identity).status_code == 303
    for _ in range(rounds):
        # Each is here by one person and disconnects the other, so that no session ends before both have decided.
        holders = {2: Holder(server, FEISHU, "zhangsan"), 1: Holder(server, WECOM, "zhangsan")}
        calls = [lambda i=id, h=holder: h.post(f"/account/bindings/{i}/unbind") for id, holder in holders.items()]
        statuses = Counter(answer.status_code for answer in run_at_once(calls))
        assert statuses in ({303: 1, 409: 1}, {303: 1, 401: 1}), server.output()
        assert sql("SELECT count(*) FROM identity WHERE account_id IS NOT NULL") == [(1,)]
        sql("UPDATE identity SET account_id = 1")
