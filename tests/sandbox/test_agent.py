"""An application's entry in WeCom's console, and the clock."""

from email.utils import parsedate_to_datetime

import pytest
import requests


def get_agent(sandbox, agentid="1000002", secret=None):
    app = {"corpid": sandbox.WECOM["corpid"], "corpsecret": secret or sandbox.WECOM["corpsecret"]}
    token = requests.get(f"{sandbox.url}/cgi-bin/gettoken", params=app, timeout=10).json()["access_token"]
    query = {"access_token": token, "agentid": agentid}
    return requests.get(f"{sandbox.url}/cgi-bin/agent/get", params=query, timeout=10).json()


def test_an_application_reads_its_own_entry(sandbox):
    sandbox.portal("https://login.example.com", wecom=["Work"])
    sandbox.app("wecom", contact_range={"departments": ["2"], "users": ["bob"]})
    entry = get_agent(sandbox)
    assert (entry["errcode"], entry["agentid"], entry["close"]) == (0, 1000002, 0)
    assert entry["allow_partys"] == {"partyid": [2]}
    assert entry["allow_userinfos"] == {"user": [{"userid": "bob"}]}
    assert entry["redirect_domain"] == "login.example.com"
    assert entry["home_url"] == "https://login.example.com/login/Work/in-app"


def test_domain_and_home_page_can_be_set(sandbox):
    sandbox.app("wecom", trusted_domain="a.example.com", home_url="https://b.example.com/")
    entry = get_agent(sandbox)
    assert (entry["redirect_domain"], entry["home_url"]) == ("a.example.com", "https://b.example.com/")


@pytest.mark.parametrize(("agentid", "number"), [("2000002", 301002), ("7", 40056), ("x", 40056), ("", 40056)])
def test_another_applications_entry_is_refused(sandbox, agentid, number):
    assert get_agent(sandbox, agentid)["errcode"] == number


def test_the_header_date_follows_the_clock(sandbox):
    def read_date():
        answer = requests.get(f"{sandbox.url}/cgi-bin/gettoken", timeout=10)
        return parsedate_to_datetime(answer.headers["Date"]).timestamp()

    before = read_date()
    sandbox.clock(3600)
    assert 3595 < read_date() - before < 3660
