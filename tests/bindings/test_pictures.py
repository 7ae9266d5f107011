"""Pictures of people come straight from the platform's hosts, and initials have tones."""

import re

import pytest
from sqlalchemy import select
from support.portal_app import ROOT
from support.rows import add_person, add_request

from portal.database import db
from portal.directory.cleaning import clean_avatar
from portal.models import Identity

pytestmark = pytest.mark.usefixtures("alice", "context")

FEISHU = "https://s1-imfile.feishucdn.com/static-resource/v1/v2_zw~?image_size=72x72"
WECOM = "https://wework.qpic.cn/wwpic3az/zw/0"
HOSTS = (
    "https://*.feishucdn.com https://*.feishu.cn https://*.larksuitecdn.com https://*.larksuite.com "
    "https://*.byteimg.com"
)
WECOM_HOSTS = "https://*.qlogo.cn https://*.qpic.cn"


def find_pictures(page):
    return re.findall(r'<img src="([^"]*)"', page)


@pytest.mark.parametrize(("provider", "address"), [("feishu", FEISHU), ("wecom", WECOM)])
def test_the_queue_shows_the_platforms_picture(alice, provider, address):
    add_request(add_person("zw", provider=provider, avatar=address))
    page = alice.get("/admin/queue").text
    assert find_pictures(page) == [address]
    tag = re.search("<img[^>]*>", page)[0]
    assert 'alt="" width="40" height="40" loading="lazy" referrerpolicy="no-referrer"' in tag
    assert "js/pictures.js" in page


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/a.png", "http://s1-imfile.feishucdn.com/a.png", WECOM, "http://127.0.0.1:1/a.png", ""],
)
def test_a_picture_from_anywhere_else_is_not_shown(alice, address):
    add_request(add_person("zw", provider="feishu", avatar=address))
    assert find_pictures(alice.get("/admin/queue").text) == []


def test_the_policy_of_administrators_pages_names_the_platforms_hosts(alice, sandbox):
    for path in ("/admin/bindings", "/admin/queue", "/admin/bindings/bind"):
        policy = alice.get(path).headers["Content-Security-Policy"]
        assert f"img-src 'self' {HOSTS} {sandbox.url} {WECOM_HOSTS};" in policy
    assert "img-src 'self';" in alice.get("/account").headers["Content-Security-Policy"]


def test_a_login_stores_the_picture_of_an_element_on_this_machine(client, sandbox):
    client.sign_in()
    picture = db.session.scalar(select(Identity.avatar).where(Identity.user_id == "zhangsan"))
    assert picture == f"{sandbox.url}/_sandbox/avatar/zhangsan.svg"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:7001.evil.example/a", "http://127.0.0.1:70010/a", "http://127.0.0.1:7001@evil/a"]
)
def test_only_the_whole_origin_of_an_element_counts(address):
    hosts = (".feishu.cn", "http://127.0.0.1:7001")
    assert clean_avatar("http://127.0.0.1:7001/a", hosts) == "http://127.0.0.1:7001/a"
    assert clean_avatar(address, hosts) == ""


def test_eight_people_in_a_row_have_eight_tones(alice):
    for number in range(8):
        add_request(add_person(f"p{number}"))
    assert len(set(re.findall(r"initial (tone-\d)", alice.get("/admin/queue").text))) == 8


@pytest.mark.parametrize("number", range(8))
def test_the_letter_of_every_tone_is_readable_in_both_schemes(number):
    tokens = (ROOT / "static" / "css" / "tokens.css").read_text()
    pairs = re.findall(rf"--tone-{number}: (#\w+); --tone-{number}-ink: (#\w+);", tokens)
    assert len(pairs) == 2
    for pair in pairs:
        light, dark = sorted(map(measure_luminance, pair), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def measure_luminance(colour):
    """Return the relative luminance of a colour, as WCAG defines it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
