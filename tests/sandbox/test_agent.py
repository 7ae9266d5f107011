"""What pretend WeCom's console holds of an application, and the pretend platforms' clock."""

from email.utils import parsedate_to_datetime

import pytest
import requests


def agent(sandbox, agentid="1000002", secret=None):
    app = {"corpid": sandbox.WECOM["corpid"], "corpsecret": secret or sandbox.WECOM["corpsecret"]}
    token = requests.get(f"{sandbox.url}/cgi-bin/gettoken", params=app, timeout=10).json()["access_token"]
    query = {"access_token": token, "agentid": agentid}
    return requests.get(f"{sandbox.url}/cgi-bin/agent/get", params=query, timeout=10).json()


def test_an_application_reads_its_own_entry(sandbox):
    sandbox.portal("https://login.example.com", wecom=["Work"])
    sandbox.app("wecom", contact_range={"departments": ["2"], "users": ["bob"]})
    told = agent(sandbox)
    assert (told["errcode"], told["agentid"], told["close"]) == (0, 1000002, 0)
    assert told["allow_partys"] == {"partyid": [2]}
    assert told["allow_userinfos"] == {"user": [{"userid": "bob"}]}
    assert told["redirect_domain"] == "login.example.com"
    assert told["home_url"] == "https://login.example.com/login/Work/in-app"


def test_domain_and_home_page_can_be_set(sandbox):
    sandbox.app("wecom", trusted_domain="a.example.com", home_url="https://b.example.com/")
    told = agent(sandbox)
    assert (told["redirect_domain"], told["home_url"]) == ("a.example.com", "https://b.example.com/")


@pytest.mark.parametrize(("agentid", "number"), [("2000002", 301002), ("7", 40056), ("x", 40056), ("", 40056)])
def test_another_applications_entry_is_refused(sandbox, agentid, number):
    assert agent(sandbox, agentid)["errcode"] == number


def test_answers_tell_the_pretend_time(sandbox):
    def told():
        answer = requests.get(f"{sandbox.url}/cgi-bin/gettoken", timeout=10)
        return parsedate_to_datetime(answer.headers["Date"]).timestamp()

    before = told()
    sandbox.clock(3600)
    assert 3595 < told() - before < 3660
