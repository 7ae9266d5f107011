"""A Django site signs people in with django-allauth's Feishu provider.

https://docs.allauth.org/en/latest/socialaccount/providers/feishu.html
"""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
import requests
from support.portal_app import wait_for_server
from support.postgres import find_free_port

SETTINGS = """
DEBUG = True
SECRET_KEY = "a key for a site that lives as long as its tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "site_urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.db"}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages",
    "django.contrib.sessions", "allauth", "allauth.account", "allauth.socialaccount",
    "allauth.socialaccount.providers.feishu", "at_the_sandbox.AtTheSandbox"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware", "allauth.account.middleware.AccountMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS":
    {"context_processors": ["django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]}}]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {"feishu": {"APPS": [{"client_id": %(app_id)r, "secret": %(app_secret)r}]}}
LOGIN_REDIRECT_URL = "/me"
SANDBOX = %(sandbox)r
"""
URLS = """
from django.http import JsonResponse
from django.urls import include, path

def me(request):
    accounts = request.user.socialaccount_set.all() if request.user.is_authenticated else []
    return JsonResponse({"accounts": [describe(account) for account in accounts]})

def describe(account):
    return {"uid": account.uid, "profile": account.extra_data, "avatar": account.get_avatar_url(),
        "user": account.user.username}

urlpatterns = [path("accounts/", include("allauth.urls")), path("me", me)]
"""
# The provider has its addresses as attributes of two classes and no setting for them.
AT_THE_SANDBOX = """
from django.apps import AppConfig
from django.conf import settings

class AtTheSandbox(AppConfig):
    name = "at_the_sandbox"

    def ready(self):
        from allauth.socialaccount.providers.feishu.client import FeishuOAuth2Client
        from allauth.socialaccount.providers.feishu.views import FeishuOAuth2Adapter

        for part in (FeishuOAuth2Client, FeishuOAuth2Adapter):
            for name, value in list(vars(part).items()):
                if isinstance(value, str) and value.startswith("https://open.feishu.cn/"):
                    setattr(part, name, value.replace("https://open.feishu.cn", settings.SANDBOX))
"""


class Site:
    """The running Django site."""

    def __init__(self, folder, sandbox):
        settings = SETTINGS % {**sandbox.FEISHU, "sandbox": sandbox.url}
        files = {"site_settings.py": settings, "site_urls.py": URLS, "at_the_sandbox.py": AT_THE_SANDBOX}
        for name, text in files.items():
            (folder / name).write_text(text)
        self.url = f"http://127.0.0.1:{find_free_port()}"
        self.log = folder / "site.log"
        command = [sys.executable, "-m", "django"]
        variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": str(folder)}
        words = {"cwd": folder, "env": variables}
        subprocess.run([*command, "migrate", "--verbosity", "0"], check=True, timeout=120, **words)
        with self.log.open("w") as out:
            serve = [*command, "runserver", "--noreload", urlsplit(self.url).netloc]
            self.process = subprocess.Popen(serve, stdout=out, stderr=out, **words)
        wait_for_server(self.answers, self, seconds=60)

    def answers(self):
        try:
            return requests.get(f"{self.url}/me", timeout=10).ok
        except requests.RequestException:
            return False

    def output(self):
        return self.log.read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def site(tmp_path_factory, sandbox_process):
    running = Site(tmp_path_factory.mktemp("django"), sandbox_process)
    yield running
    running.stop()


def sign_in(site, person, action="allow"):
    """Walk through a login.

    Return the last answer and the accounts that are signed in.
    """
    with requests.Session() as browser:
        login = browser.get(f"{site.url}/accounts/feishu/login/", allow_redirects=False, timeout=30)
        page = f"{login.headers['Location']}&person={person}&action={action}"
        last = browser.get(page, timeout=30)
        return last, browser.get(f"{site.url}/me", timeout=30).json()["accounts"]


def test_a_person_signs_in(sandbox, site):
    last, accounts = sign_in(site, "zhangsan")

    assert last.url == f"{site.url}/me"
    [account] = accounts
    profile = account["profile"]
    assert account["uid"] == profile["open_id"]
    assert account["avatar"] == profile["avatar_big"]
    assert account["user"]
    assert (profile["name"], profile["user_id"], profile["tenant_key"]) == ("张三", "zhangsan", "5a4db0c5a4db0c01")


def test_the_provider_uses_the_older_calls(sandbox, site):
    """It sends forms and puts the token in the body."""
    sign_in(site, "zhangsan")

    index, token, exchange, profile = sandbox.calls()
    assert index["path"] == "/open-apis/authen/v1/index"
    assert token["path"] == "/open-apis/auth/v3/app_access_token/internal/"
    assert token["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert exchange["path"] == "/open-apis/authen/v1/access_token"
    assert "app_access_token" in exchange["body"]
    assert "Authorization" not in exchange["headers"]
    assert profile["path"] == "/open-apis/authen/v1/user_info"


def test_people_are_distinguished_and_recognised(sandbox, site):
    [first], [other], [again] = (sign_in(site, person)[1] for person in ("alice", "bob", "alice"))

    assert (first["uid"], first["user"]) == (again["uid"], again["user"])
    assert first["uid"] != other["uid"]
    assert first["user"] != other["user"]


@pytest.mark.parametrize("person", ["sunqi", "zhaoliu"])
def test_frozen_people_and_leavers_are_not_signed_in(sandbox, site, person):
    assert sign_in(site, person)[1] == []


def test_a_person_who_refuses_is_not_signed_in(sandbox, site):
    last, accounts = sign_in(site, "zhangsan", action="deny")

    assert last.url.startswith(f"{site.url}/accounts/")
    assert accounts == []


def test_a_wrong_secret_signs_nobody_in(sandbox, site):
    sandbox.app("feishu", secret="another one")

    assert sign_in(site, "zhangsan")[1] == []
