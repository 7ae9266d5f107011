"""How the sandbox's WeCom treats codes, tokens and cursors from one call to the next."""

from support.sandbox_tokens import RequestFiller, send_request


def test_wecom_code_works_once(sandbox):
    made = RequestFiller(sandbox)
    query = {"access_token": made.corp_token(), "code": made.sso_code()}

    first = send_request(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=query).json()
    second = send_request(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=query).json()

    assert (first["errcode"], second["errcode"]) == (0, 40029)


def test_a_refused_wecom_token_leaves_the_code_good(sandbox):
    made = RequestFiller(sandbox)
    old, code = made.corp_token(), made.sso_code()
    sandbox.app("wecom", revoke_tokens=True)

    refused = send_request(
        sandbox, "GET", "/cgi-bin/auth/getuserinfo", params={"access_token": old, "code": code}
    ).json()
    fresh = {"access_token": made.corp_token(), "code": code}
    accepted = send_request(sandbox, "GET", "/cgi-bin/auth/getuserinfo", params=fresh).json()

    assert refused["errcode"] == 40014
    assert accepted["userid"] == "zhangsan"


def test_a_wecom_token_stays_the_same_until_it_ends(sandbox):
    made = RequestFiller(sandbox)
    first = made.corp_token()
    sandbox.clock(7000)
    same = made.corp_token()
    sandbox.clock(300)

    assert same == first
    assert made.corp_token() != first


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


def test_leaving_wecom_has_two_faces(sandbox):
    token = RequestFiller(sandbox).corp_token()

    def ask(userid):
        return send_request(
            sandbox, "GET", "/cgi-bin/user/get", params={"access_token": token, "userid": userid}
        ).json()

    assert ask("zhaoliu")["errcode"] == 60111  # resigned: gone
    assert ask("wujiu")["status"] == 5  # left by themselves: still listed
    assert (ask("sunqi")["status"], ask("zhouba")["status"]) == (2, 4)
