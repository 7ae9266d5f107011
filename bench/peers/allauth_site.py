"""A Django site with django-allauth and its own Feishu provider, whose sessions are rows."""

import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.allauth_settings"
app = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
