"""Two portals behind nginx, with PostgreSQL and Redis."""

from dataclasses import dataclass

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.authority import Authority
from support.deployment import PATIENCE, DeployedPortal, Nginx
from support.portal_app import answer_platform, make_settings, make_tables, wait_for_server
from support.postgres import find_free_port

VISITOR = "127.0.0.7"  # nginx and the portals are at 127.0.0.1


class SourceAdapter(HTTPAdapter):
    """Connects from another address of this machine."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


@dataclass
class Deployment:
    """nginx, its portals, and what visitors do there."""

    url: str
    portals: list
    nginx: Nginx
    site: object
    authority: str

    def visit(self, address=VISITOR):
        """Return a visitor's HTTP session, from an address of its own."""
        http = requests.Session()
        http.trust_env, http.verify = False, str(self.authority)
        http.mount("https://", SourceAdapter(address))
        return http

    def get(self, http, path, **options):
        return http.get(self.url + path, allow_redirects=False, timeout=60, **options)

    def scan(self, http, element="FSInnerExample", person="zhangsan", **headers):
        """Begin a login and answer as the person.

        Return the callback's path and query.
        """
        started = self.get(http, f"/login/{element}", headers=headers)
        assert started.status_code == 302, started.text
        return answer_platform(started.headers["Location"], person)

    def sign_in(self, http, element="FSInnerExample", person="zhangsan", **headers):
        """Sign a visitor in and return the answer to the callback."""
        return self.get(http, self.scan(http, element, person, **headers), headers=headers)

    def wait_for(self, condition):
        wait_for_server(condition, self.nginx, PATIENCE)

    def count_links(self):
        """Return how many requests for one-time links nginx has sent to each portal."""
        lines = [line for line in self.nginx.read_logs().splitlines() if "/login/once/" in line]
        return [sum(f" to 127.0.0.1:{portal.port}: " in line for line in lines) for portal in self.portals]

    def read_logs(self):
        """Return what nginx and the portals have logged."""
        files = [file for portal in self.portals for file in (portal.access_log, portal.log)]
        return self.nginx.read_logs() + "".join(file.read_text() for file in files)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, sandbox_process, postgres, redis_process):
    """Run everything until the module ends."""
    from support.chromium import Site, SiteElements  # a plugin, which pytest must be the first to import

    folder, port, http_port = tmp_path_factory.mktemp("deployment"), find_free_port(), find_free_port()
    url = f"https://127.0.0.1:{port}"
    elements = SiteElements(folder / "app", sandbox_process, url)
    elements.feishu()
    elements.wecom()
    sandbox_process.reset()
    redis_process.start()
    database = postgres.url(postgres.database())
    make_tables(database, folder / "app")
    more = {"PORTAL_REDIS_URL": redis_process.url, "PORTAL_TRUSTED_PROXIES": "1"}
    settings = {**make_settings(database, folder / "app", url), **more}
    forms = [{**settings, "PORTAL_LOG": form} for form in ("json", "text")]  # no form may show a code
    portals = [DeployedPortal(each, folder, find_free_port()) for each in forms]
    authority = Authority(folder)
    (folder / "nginx").mkdir()
    nginx = Nginx(folder / "nginx", [portal.port for portal in portals], authority.certify(), port)
    try:
        for portal in portals:
            portal.start()
        nginx.start(http_port)
        yield Deployment(url, portals, nginx, Site(url, sandbox_process, settings), authority.file)
    finally:
        nginx.stop()
        for portal in portals:
            portal.stop()
