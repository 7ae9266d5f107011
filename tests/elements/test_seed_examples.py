"""The elements' published examples work in `flask shell`."""

import os
import re
import subprocess
import sys

import pytest
from support.portal_app import ROOT

from portal import errors
from portal.errors import MEANINGS

BASIC = """
{name}_auth = app.getElement("auths.loginTypes.{element}")
login_config = {name}_auth.getLoginConfig()
auth_code = "{code}"
user_info = {name}_auth.getLoginCode(authCode=auth_code)
print("SHOW", user_info["name"])
"""
CONFIG = {
    "feishu": "print(f\"Application ID: {config['appId']}\")",
    "qywx": "print(f\"Enterprise ID: {config['corpId']}\")\nprint(f\"Application ID: {config['agentId']}\")",
}
LOGIN = """
{name}_auth = app.getElement("auths.loginTypes.{element}")
try:
    user_info = {name}_auth.getLoginCode(authCode="{code}")
    print(f"User login successful: {{user_info['name']}}")
    print(f"User department: {{user_info['department']}}")
except Exception as e:
    print(f"Login failed: {{e}}")

"""
DETAIL = """
{name}_auth = app.getElement("auths.loginTypes.{element}")
user_detail = {name}_auth.getUserInfo(userId="zhangsan")
print("SHOW", user_detail["name"], user_detail["position"])
access_token = {name}_auth.getAccessToken()
print("SHOW", type(access_token).__name__, len(access_token) > 10)
"""
ERRORS = """
from jit.errcode import Code
{name}_auth = app.getElement("auths.loginTypes.{element}")
auth_code = "{code}"
try:
    try:
        user_info = {name}_auth.getLoginCode(authCode=auth_code)
    except Exception as e:
        if "40013" in str(e):
            raise Code(40013, "Application ID is incorrect, please check configuration")
        elif "40029" in str(e):
            raise Code(40029, "Authorization code is invalid or expired")
        else:
            raise Code(50000, f"Login failed: {{str(e)}}")
except Code as e:
    print("SHOW", e)

"""
EACH = pytest.mark.parametrize(("name", "element"), [("feishu", "FSInnerExample"), ("qywx", "QywxInnerExample")])


@pytest.fixture
def shell(settings):
    """Return a function that types into `flask shell`.

    It returns the output.
    """

    def type_in(text):
        environ = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
        done = subprocess.run(
            [sys.executable, "-m", "flask", "shell"],
            input=text,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**environ, **settings},
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    return type_in


@pytest.fixture
def code(portal, sandbox):
    """Return a function that makes a fresh code for zhangsan."""

    def make(name):
        element = portal.getElement(f"auths.loginTypes.{name}")
        return sandbox.code(element.provider, "zhangsan", redirect_uri=element.redirectUri)

    return make


@EACH
def test_the_basic_call_works(shell, code, name, element):
    assert "SHOW 张三" in shell(BASIC.format(name=name, element=element, code=code(element)))


@EACH
def test_the_login_config_works(shell, name, element):
    printed = shell(f'config = app.getElement("auths.loginTypes.{element}").getLoginConfig()\n{CONFIG[name]}\n')
    wanted = {"feishu": ["Application ID: cli_5a4db0c5a4db0c01"]}
    wanted["qywx"] = ["Enterprise ID: wwsandbox00000001", "Application ID: 1000002"]
    assert all(line in printed for line in wanted[name])


@EACH
def test_a_login_succeeds(shell, code, name, element):
    printed = shell(LOGIN.format(name=name, element=element, code=code(element)))
    assert "User login successful: 张三" in printed
    assert "User department: ['" in printed


@EACH
def test_a_login_fails_with_its_number(shell, name, element):
    printed = shell(LOGIN.format(name=name, element=element, code="authorization_code_from_frontend"))
    assert "Login failed: 40029" in printed


@EACH
def test_user_info_and_access_token_work(shell, name, element):
    printed = shell(DETAIL.format(name=name, element=element))
    assert "SHOW 张三 工程师" in printed
    assert "SHOW str True" in printed


@EACH
def test_error_numbers_are_in_the_text(shell, code, elements, name, element):
    """The code is real because Feishu checks it first."""
    unknown = ERRORS.format(name=name, element=element, code="authorization_code_from_frontend")
    assert "SHOW 40029: Authorization code is invalid or expired" in shell(unknown)
    genuine = ERRORS.format(name=name, element=element, code=code(element))
    wrong = {"feishu": elements.feishu, "qywx": elements.wecom}[name]
    wrong(**{"feishu": {"appSecret": "wrong"}, "qywx": {"corpSecret": "wrong"}}[name])
    assert "SHOW 40013: Application ID is incorrect" in shell(genuine)


def test_a_reason_names_no_other_error_number():
    """Scripts search the text of an error for its number.

    Another number in it would mislead them.
    """
    numbers, count = {str(number) for number in MEANINGS}, 0
    for path in [*ROOT.glob("portal/**/*.py"), ROOT / "app.py"]:
        reasons = re.findall(r'(?:Code|__init__)\(\s*([A-Z][A-Z_]+),\s*f?"([^"]*)"', path.read_text())
        for name, reason in reasons:
            number = str(getattr(errors, name))
            assert not [other for other in numbers - {number} if other in reason], (path, reason)
        count += len(reasons)
    assert count > 100
