"""Configurations of proxies that ask the gate before each request."""

from urllib.parse import urlsplit

from flask import current_app

from portal.applications import claims
from portal.models import Application

FILES = {  # proxy, as the page names it -> its template
    "nginx": "nginx.conf",
    "Caddy": "Caddyfile",
    "Traefik": "traefik.yml",
    "HAProxy": "haproxy.cfg",
    "HAProxy: portal.lua": "portal.lua",
    "Envoy": "envoy.yaml",
}
PAGES = ("start", "enter", "sign-out")  # of the portal that a browser may open at an application's host


def render_snippets(application: Application, portal_address: str) -> dict[str, str]:
    """Return an application's configuration for each proxy.

    It is filled in but for two upstreams, `http://portal` and `http://<name>`, whose addresses only the operator knows.

    :param portal_address: where the portal's processes listen, as in `PORTAL_BIND`; a comment names it.
    """
    if not application.hosts:
        return {}
    identity = list(claims.HEADER_NAMES.values())
    twins = [twin for header in identity for twin in claims.list_twins(header)]
    values = {
        "name": application.name,
        "variable": application.name.replace("-", "_"),  # as parts of nginx's variables
        "origins": application.hosts,
        "hosts": [urlsplit(origin).hostname for origin in application.hosts],
        "https": application.hosts[0].startswith("https:"),
        "portal_address": portal_address,
        "pages": PAGES,
        "identity": identity,
        "twins": twins,
        "dotted": [twin for twin in twins if "." in twin],  # Envoy refuses the others itself
    }
    templates = {proxy: current_app.jinja_env.get_template(f"snippets/{file}") for proxy, file in FILES.items()}
    return {proxy: template.render(values) + "\n" for proxy, template in templates.items()}
