"""Codes, tokens and cursors of WeCom across several calls."""

from support.sandbox_tokens import RequestFiller, send_request


def test_a_code_works_once(sandbox):
    filler = RequestFiller(sandbox)
    query = {"access_token": filler.corp_token(), "code": filler.sso_code()}

    first = send_request(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=query).json()
    second = send_request(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=query).json()

    assert (first["errcode"], second["errcode"]) == (0, 40029)


def test_a_refused_token_leaves_the_code_good(sandbox):
    filler = RequestFiller(sandbox)
    old, code = filler.corp_token(), filler.sso_code()
    sandbox.app("wecom", revoke_tokens=True)

    refused = send_request(
        sandbox, "GET", "/cgi-bin/auth/getuserinfo", params={"access_token": old, "code": code}
    ).json()
    fresh = {"access_token": filler.corp_token(), "code": code}
    accepted = send_request(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=fresh).json()

    assert refused["errcode"] == 40014
    assert accepted["userid"] == "zhangsan"


def test_a_token_stays_the_same_until_it_ends(sandbox):
    filler = RequestFiller(sandbox)
    first = filler.corp_token()
    sandbox.clock(7000)
    same = filler.corp_token()
    sandbox.clock(300)

    assert same == first
    assert filler.corp_token() != first


def test_cursors_reach_every_seat(sandbox):
    token, rows, cursor = RequestFiller(sandbox).sync_token(), [], None
    while cursor != "":
        answer = send_request(
            sandbox, "POST", f"/cgi-bin/user/list_id?access_token={token}", json={"cursor": cursor or "", "limit": 4}
        ).json()
        rows += [(row["userid"], row["department"]) for row in answer["dept_user"]]
        cursor = answer["next_cursor"]

    assert {("wangwu", 3), ("wangwu", 5), ("carol", 6)} <= set(rows)
    assert len(rows) == len(set(rows))


def test_a_resigned_member_is_gone_and_one_that_left_is_listed(sandbox):
    token = RequestFiller(sandbox).corp_token()

    def ask(userid):
        return send_request(
            sandbox, "GET", "/cgi-bin/user/get", params={"access_token": token, "userid": userid}
        ).json()

    assert ask("zhaoliu")["errcode"] == 60111  # resigned: gone
    assert ask("wujiu")["status"] == 5  # left alone: still listed
    assert (ask("sunqi")["status"], ask("zhouba")["status"]) == (2, 4)
