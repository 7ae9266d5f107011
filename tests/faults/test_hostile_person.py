"""A person whose record is hostile in every field harms no page, file or log.

They are synced, sign in, and are looked at by an administrator.
"""

import csv
import io

import pytest
from support.admin_client import AdminBrowser, make_one_time_link
from support.http_visitors import Visitor
from support.portal_app import FEISHU, WECOM, both_databases
from support.syncs import PROVIDERS, run_command

pytestmark = both_databases
HIDDEN = set("\0\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028\u2029\ufeff")
NASTY = "\ufeff=cmd|'/c calc'!A1\0\ud800\u202e\r\nX-Evil: 1 <script>alert(1)</script>{{7*7}}{% raw %}"
RECORD = {
    FEISHU: {"name": NASTY, "job_title": NASTY, "employee_no": NASTY, "mobile": "+1<script>alert(1)</script>"},
    WECOM: {"name": NASTY, "position": NASTY, "alias": NASTY, "mobile": "+1<script>alert(1)</script>"},
}
WRONG = {"gender": {"a": [1]}, "status": "1", "avatar": "javascript:alert(1)", "email": ["<script>alert(1)</script>"]}
PAGES = (
    "/admin/bindings",
    "/admin/bindings?q=cmd",
    "/admin/accounts",
    "/admin/directory",
    "/admin/directory?q=cmd",
    "/admin/queue",
    "/admin/audit",
)
FILES = ("/admin/bindings/export", "/admin/audit/export")


def expect_plain(text):
    """Check a text that is no page: each value is one visible line."""
    assert not HIDDEN & set(text)
    assert not [line for line in text.splitlines() if line.startswith("X-Evil")]


def expect_harmless(page):
    assert "<script>alert" not in page
    expect_plain(page)


@pytest.mark.parametrize("name", [FEISHU, WECOM])
def test_a_hostile_person_is_harmless_everywhere(serve, portal, sandbox, settings, name):
    sandbox.person(PROVIDERS[name], "lisi", name=NASTY, set={**RECORD[name], **WRONG})
    sandbox.person(PROVIDERS[name], "wangwu", name="x" * 1_000_000, set={"title": "龥" * 1_000_000})
    with run_command(settings, "sync", name) as sync:
        out, err = sync.communicate(timeout=300)
    assert sync.returncode == 0, err
    expect_plain(out + err)

    server = serve()
    for person in ("lisi", "hostile"):
        visitor = Visitor(server)
        assert visitor.sign_in(name, person).status_code == 303
        expect_harmless(visitor.get("/account").text)
        expect_plain(visitor.get("/api/session").json()["identity"]["name"])
    large = Visitor(server)
    answer = large.sign_in(name, "wangwu")
    assert answer.status_code in (303, 503)  # a platform's answer of megabytes to a login is none
    expect_harmless(answer.text)

    administrator = AdminBrowser(server, make_one_time_link(portal, "alice"))
    for path in PAGES:
        answer = administrator.get(path)
        assert answer.status_code == 200, path
        expect_harmless(answer.text)
        assert len(answer.text) < 500_000, path
    assert "{{7*7}}" in administrator.get("/admin/bindings?q=cmd").text
    for path in FILES:
        answer = administrator.get(path)
        assert answer.status_code == 200, path
        text = answer.content.decode("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert cells and not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
        expect_plain(text)
    log = server.output()
    expect_plain(log)
    assert "Traceback" not in log


@pytest.mark.parametrize("name", [FEISHU, WECOM])
def test_a_record_that_says_everything_twice_is_one_person(serve, sandbox, name, sql):
    """JSON allows a key twice, and the last one counts.

    The ids must be sound.
    """
    twice = {
        FEISHU: '{"code": 1, "code": 0, "data": {"union_id": "on_2", "union_id": "on_1", "open_id": "ou_1", '
        '"name": "a", "name": "b", "tenant_key": "x", "tenant_key": "736588c9260f1750"}}',
        WECOM: '{"errcode": 1, "errcode": 0, "userid": "lisi", "userid": "zhangsan"}',
    }
    path = {FEISHU: "/open-apis/authen/v1/user_info", WECOM: "/cgi-bin/auth/getuserinfo"}[name]
    server = serve()
    for _ in range(2):
        sandbox.fail(path, body=twice[name])
        visitor = Visitor(server)
        assert visitor.sign_in(name).status_code == 303
    assert sql("SELECT count(*) FROM identity") == [(1,)]
