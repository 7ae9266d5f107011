"""The settings of the Django site."""

import os

from django.apps import AppConfig

from bench.peers import APP, SECRET

CONTRIB = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "messages", "sessions")]
PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
PROCESSORS = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]


class AtTheStub(AppConfig):
    """Point the provider to the stub: its addresses are attributes of two classes."""

    name, label = "bench.peers", "at_the_stub"

    def ready(self):
        from allauth.socialaccount.providers.feishu.client import FeishuOAuth2Client
        from allauth.socialaccount.providers.feishu.views import FeishuOAuth2Adapter

        for part in (FeishuOAuth2Client, FeishuOAuth2Adapter):
            for name, value in list(vars(part).items()):
                if isinstance(value, str) and value.startswith("https://open.feishu.cn/"):
                    setattr(part, name, value.replace("https://open.feishu.cn", os.environ["STUB"]))


SECRET_KEY = SECRET
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.peers.allauth_urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{os.environ['FOLDER']}/allauth.db",
        "CONN_MAX_AGE": None,
        "OPTIONS": {"init_command": PRAGMAS, "transaction_mode": "IMMEDIATE", "timeout": 4},
    }
}
INSTALLED_APPS = [
    *CONTRIB,
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.feishu",
    "bench.peers.allauth_settings.AtTheStub",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": PROCESSORS},
    }
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {"feishu": {"APPS": [{"client_id": APP["app_id"], "secret": APP["app_secret"]}]}}
LOGIN_REDIRECT_URL = "/api/session"
