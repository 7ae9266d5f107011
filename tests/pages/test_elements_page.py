"""The page Elements shows each login without its secrets."""

import json
import re
from html import unescape

import pytest
from support.portal_app import FEISHU, FEISHU_APP, WECOM, WECOM_APP

from portal.signin import administrator_links

PAGE = "/admin/elements"
OFFICIAL_TYPES = ("auths.loginTypes.FSInnerType", "auths.loginTypes.QywxInnerType")


@pytest.fixture
def administer(make_portal):
    """Return a function that signs an administrator in.

    It makes the portal with the settings given as arguments.
    """

    def sign_in(**more):
        portal = make_portal(**more)
        with portal.app_context():
            token = administrator_links.make_administrator("alice", promote=True).token
        client = portal.test_client()
        assert client.post_form(f"/login/once/{token}").status_code == 303
        return client

    return sign_in


def find_card(page, name):
    """Return the part of the page about one element."""
    parts = [
        part for part in page.split('<section class="panel element"')[1:] if f"/admin/elements/{name}/check" in part
    ]
    assert len(parts) == 1
    return parts[0].partition("</section>")[0]


def check(client, name):
    return client.post_form(f"{PAGE}/{name}/check")


def test_each_element_shows_its_state(administer, elements):
    elements.feishu("Off", isActive=False)
    elements.feishu("Broken", appId="")
    page = administer().get(PAGE).text
    assert '<span class="state state-good">works</span>' in find_card(page, FEISHU)
    assert '<span class="state state-off">switched off</span>' in find_card(page, "Off")
    broken = find_card(page, "Broken")
    assert '<span class="state state-bad">broken</span>' in broken
    assert "auths/loginTypes/Broken/Broken.json: appId is missing" in broken


def test_addresses_to_copy_have_their_fields_in_both_languages(administer, base):
    page = administer().get(PAGE).text
    feishu, wecom = find_card(page, FEISHU), find_card(page, WECOM)
    assert f">{base}/login/{FEISHU}/callback<" in feishu and f">{base}/login/{FEISHU}/in-app<" in feishu
    assert "安全设置 → 重定向 URL" in feishu and "Security settings → Redirect URLs" in feishu
    assert f">{base}/login/{WECOM}/in-app<" in wecom and f">{base.partition('//')[2]}<" in wecom
    assert "可信域名" in wecom and "trusted domain" in wecom


def test_a_secret_is_only_shown_as_set(administer, elements):
    elements.wecom(
        httpProxy="http://me:proxysecret@127.0.0.1:1", domainVerification={"file": "WW_verify_a.txt", "content": "hush"}
    )
    elements.feishu("Own", apiKey="somebody's own key")
    client = administer()
    for page in (client.get(PAGE).text, check(client, FEISHU).text):
        for secret in (FEISHU_APP["appSecret"], WECOM_APP["corpSecret"], "proxysecret", "hush", "own key"):
            assert secret not in page
        assert re.search(r'appSecret</dt>\s*<dd>\s*<span class="state state-good">set', find_card(page, FEISHU))
        assert FEISHU_APP["appId"] in find_card(page, FEISHU)


def test_a_check_shows_its_findings(administer, sandbox):
    sandbox.app("wecom", trusted_ip=False)
    page = check(administer(), WECOM)
    assert page.status_code == 200
    card = find_card(page.text, WECOM)
    assert "1 problem" in card and "60020" in card and "203.0.113.7" in card
    assert "企业可信IP" in card and "Trusted IP" in card
    assert "Checked just now" not in find_card(page.text, FEISHU)


def test_a_check_of_a_broken_element_says_what_to_correct(administer, elements):
    elements.feishu(appId="")
    card = find_card(check(administer(), FEISHU).text, FEISHU)
    assert f"auths/loginTypes/{FEISHU}/{FEISHU}.json: appId is missing" in card
    assert "restart the portal" in card


def test_a_check_needs_the_forms_token_and_an_element(administer):
    client = administer()
    assert client.post(f"{PAGE}/{FEISHU}/check").status_code == 400
    assert check(client, "Nobody").status_code == 404


def test_only_administrators_may_read_or_check(make_portal, sandbox):
    client = make_portal().test_client()
    assert client.get(PAGE).status_code == 401
    client.sign_in()
    sandbox.forget_calls()
    assert (client.get(PAGE).status_code, check(client, FEISHU).status_code) == (403, 403)
    assert sandbox.calls() == []


def test_the_page_itself_calls_no_platform(administer, sandbox):
    client = administer()
    sandbox.forget_calls()
    client.get(PAGE)
    assert sandbox.calls() == []


def test_without_elements_the_page_shows_the_first_steps(administer, tmp_path):
    page = administer(PORTAL_APP_DIR=str(tmp_path / "nothing")).get(PAGE).text
    assert "No login is set up yet" in page and page.count("<li>", page.index("No login"), page.index("</ol>")) == 3
    for name, keys in {"Feishu": {"appId", "appSecret"}, "Wecom": {"corpId", "corpSecret", "agentId"}}.items():
        files = {
            file: json.loads(unescape(find_file(page, f"auths/loginTypes/{name}/{file}.json"))) for file in ("e", name)
        }
        assert files["e"]["type"] in OFFICIAL_TYPES and keys <= set(files[name])


def find_file(page, path):
    """Return the content the page shows of a file."""
    return re.search(f">{path}</code></p>\\s*<pre[^>]*><code[^>]*>([^<]*)</code>", page)[1]


def test_the_files_of_the_first_steps_make_a_login(administer, tmp_path):
    page = administer(PORTAL_APP_DIR=str(tmp_path / "nothing")).get(PAGE).text
    for path in ("Feishu/e", "Feishu/Feishu", "Wecom/e", "Wecom/Wecom"):
        file = tmp_path / "app" / "auths" / "loginTypes" / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(unescape(find_file(page, f"auths/loginTypes/{path}.json")))
    secrets = {"FEISHU_SECRET": "secret", "WECOM_SECRET": "secret"}
    page = administer(PORTAL_APP_DIR=str(tmp_path / "app"), **secrets).get(PAGE).text
    for name in ("Feishu", "Wecom"):
        assert "works" in find_card(page, name)


def test_broken_logins_come_first_and_many_are_folded(administer, elements):
    for number in range(4):
        elements.feishu(f"Later{number}")
    elements.feishu("Zebra", appId="")
    page = administer().get(PAGE).text
    assert page.index("/elements/Zebra/check") < page.index(f"/elements/{FEISHU}/check")
    assert "Addresses for the platform" in find_card(page, FEISHU)


def test_an_unconfigured_proxy_is_noticed_from_the_request(administer):
    client = administer()
    assert "PORTAL_TRUSTED_PROXIES is 0" not in client.get(PAGE).text
    assert "PORTAL_TRUSTED_PROXIES is 0" in client.get(PAGE, headers={"X-Forwarded-For": "198.51.100.7"}).text


def write_type(elements, name, code):
    folder = elements.folder / name
    folder.mkdir(parents=True)
    (folder / "e.json").write_text(json.dumps({"title": name, "type": "auths.loginTypes.Meta"}))
    (folder / "__init__.py").write_text(f"from portal.elements import Meta\n\n\nclass {name}(Meta):\n{code}")


def test_an_own_type_is_shown(administer, elements, base):
    write_type(elements, "Own", '    label = "<b>Ours</b>"\n')
    elements.add("Mine", "Own", {"apiKey": "hush"}, title="<i>Mine</i>")
    client = administer()
    shown = find_card(client.get(PAGE).text, "Mine")
    assert "own Type" in shown and ">Own<" in shown and f"{base}/login/Mine/callback" in shown
    assert "&lt;i&gt;Mine&lt;/i&gt;" in shown and "<b>" not in shown and "<i>" not in shown
    assert "This Type is your own" in find_card(check(client, "Mine").text, "Mine")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("    doctor = None\n", "broken"),
        ("    class doctor(Meta.doctor):\n        def console(self):\n            raise OSError\n", "broken"),
        ("    class doctor(Meta.doctor):\n        def examine(self):\n            raise OSError\n", "own code failed"),
        (
            "    class doctor(Meta.doctor):\n        def check_own(self):\n            yield self.make_finding('x')\n",
            "own code failed",
        ),
    ],
)
def test_an_own_types_doctor_breaks_no_page(administer, elements, code, said):
    write_type(elements, "Own", code)
    elements.add("Mine", "Own", {})
    client = administer()
    assert client.get(PAGE).status_code == 200
    page = check(client, "Mine")
    assert page.status_code == 200
    assert said in find_card(page.text, "Mine")


def test_a_type_that_cant_be_loaded_is_named(administer, elements):
    write_type(elements, "Own", "    1 / 0\n")
    assert "auths/loginTypes/Own/__init__.py can&#39;t be imported: ZeroDivisionError" in administer().get(PAGE).text
