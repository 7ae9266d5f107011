"""A sign-in for no page in particular leads to PORTAL_HOME_URL."""

import pytest
from support.portal_app import FEISHU, WECOM, answer_platform, parse_query
from support.rows import store_row

from portal.models import Application
from portal.signin import administrator_links

HOMES = ["/account?from=home", "https://work.example.com:8443/desk?a=1"]


@pytest.fixture(params=HOMES)
def home(request):
    return request.param


@pytest.fixture
def portal(make_portal, home):
    return make_portal(PORTAL_HOME_URL=home, PORTAL_UNKNOWN_PEOPLE="create")


def get_form_targets(answer):
    """Return where the page's forms may end."""
    rules = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    return rules["form-action"].split()


@pytest.mark.parametrize("element", [FEISHU, WECOM])
def test_a_login_leads_there(client, home, element):
    assert client.sign_in(element).location == home


def test_a_login_for_a_page_leads_to_that_page(client, home):
    assert client.get(client.scan(next="/account?a=1")).location == "/account?a=1"
    assert client.get("/login?next=/account?a=2").location == "/account?a=2"


@pytest.mark.parametrize("path", ["/", "/login", f"/login/{FEISHU}/in-app"])
def test_signed_in_people_are_led_there(client, home, path):
    client.sign_in()
    answer = client.get(path)
    assert (answer.status_code, answer.location) == (303, home)


def test_a_one_time_link_leads_there(client, portal, home):
    with portal.app_context():
        token = administrator_links.make_administrator("alice", promote=True).token
    assert client.post_form(f"/login/once/{token}").location == home


def test_a_used_callback_leads_there(client, home):
    callback = client.scan()
    client.get(callback)
    page = client.get(callback)
    assert f'href="{home.replace("&", "&amp;")}">Continue</a>' in page.text.replace("\n", "")


@pytest.mark.parametrize("next", [None, "/account?a=1"])
def test_scripts_are_told_to_go_there(client, home, next):
    headers = {"X-CSRFToken": client.get("/api/csrf").json["csrfToken"]}
    path = f"/api/auths/loginTypes/{WECOM}"
    begun = client.post(f"{path}/getLoginConfig", json={"next": next} if next else {}, headers=headers).json["data"]
    query = parse_query(answer_platform(begun["authorizeUrl"]))
    sent = {"authCode": query["code"], "state": query["state"]}
    assert client.post(f"{path}/getLoginCode", json=sent, headers=headers).json["data"]["next"] == (next or home)


def test_forms_that_end_there_may(client, portal, home):
    with portal.app_context():
        token = administrator_links.make_administrator("alice", promote=True).token
    origin = ["https://work.example.com:8443"] if home.startswith("https:") else []
    for path in ("/login", f"/login/{FEISHU}/in-app", f"/login/once/{token}", "/nowhere"):
        targets = get_form_targets(client.get(path))
        assert [target for target in targets if "example.com" in target] == origin, path


def test_the_language_switch_of_a_posted_page_may_end_there(client, portal, home):
    with portal.app_context():
        token = administrator_links.make_administrator("alice", promote=True).token
    client.post_form(f"/login/once/{token}")
    answer = client.post_form("/admin/accounts/create", username="")
    assert answer.status_code == 422 and '<input type="hidden" name="next" value="/">' in answer.text
    origin = ["https://work.example.com:8443"] if home.startswith("https:") else []
    assert [target for target in get_form_targets(answer) if "example.com" in target] == origin


def test_no_other_form_may_end_there(client):
    client.sign_in()
    assert "example.com" not in " ".join(get_form_targets(client.get("/account")))


class TestWithoutTheSetting:
    """The page of the applications is home once there are any."""

    @pytest.fixture
    def portal(self, make_portal):
        return make_portal()

    @pytest.fixture(params=["no application", "one that is off", "one that is on"])
    def home(self, request, portal):
        if request.param != "no application":
            with portal.app_context():
                store_row(Application(name="wiki", title="Wiki", active=request.param == "one that is on"))
        return "/apps" if request.param == "one that is on" else "/account"

    @pytest.mark.parametrize("element", [FEISHU, WECOM])
    def test_a_login_leads_there(self, client, home, element):
        assert client.sign_in(element).location == home
        assert client.sign_in(element, next="/account?a=1").location == "/account?a=1"

    @pytest.mark.parametrize("path", ["/", "/login", f"/login/{FEISHU}/in-app"])
    def test_signed_in_people_are_led_there(self, client, home, path):
        client.sign_in()
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (303, home)
