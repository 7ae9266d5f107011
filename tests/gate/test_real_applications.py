"""JupyterHub and a static site behind the gate of nginx."""

import functools
import http.server
import threading

import pytest
from support.gate_proxies import NginxGate
from support.gate_visitors import PAGE, SCRIPT
from support.jupyterhub_server import JupyterHub

pytestmark = pytest.mark.nginx


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def put_behind_nginx(site, name, port):
    """Put an application behind nginx, and return its address."""
    proxy = NginxGate(site.folder / name)
    origin = f"http://{name}.localhost:{proxy.port}"
    site.serve(proxy, {name: origin}, {name: port})
    return origin


@pytest.fixture(scope="module")
def static_site(gate_site, tmp_path_factory):
    """The address of a server of files."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "手册.html").write_text("<!doctype html><title>手册</title>")
    handler = functools.partial(QuietFiles, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield put_behind_nginx(gate_site, "pages", server.server_port)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def hub(gate_site, tmp_path_factory):
    """The address of a JupyterHub."""
    hub = JupyterHub(tmp_path_factory.mktemp("hub"))
    hub.start()
    address = put_behind_nginx(gate_site, "hub", hub.port)
    gate_site.sql("UPDATE application SET username_from = 'user_id' WHERE name = 'nginx-hub'")
    yield address
    hub.stop()


@pytest.mark.jupyterhub
def test_a_person_is_in_jupyterhub_under_the_right_name(gate_site, hub):
    page = gate_site.visit().walk(f"{hub}/", "zhangsan")[-1]
    assert (page.status, page.url) == (200, f"{hub}/hub/home")
    assert 'user: "zhangsan"' in page.text


@pytest.mark.jupyterhub
def test_nobody_can_choose_a_name_at_jupyterhub(gate_site, hub):
    spoof = ("Remote-User", "lisi")
    assert gate_site.visit().ask(f"{hub}/hub/login", (*SCRIPT, spoof)).status == 401
    visitor = gate_site.visit()
    visitor.sign_in("bob")
    assert visitor.walk(f"{hub}/hub/logo")[-1].status == 200
    assert 'user: "bob"' in visitor.walk(f"{hub}/hub/login", headers=(*PAGE, spoof))[-1].text
    assert gate_site.visit().walk(f"{hub}/", "alice")[-1].status == 403


def test_a_static_site_is_for_those_who_may_enter(gate_site, static_site):
    address = f"{static_site}/%E6%89%8B%E5%86%8C.html"
    page = gate_site.visit().walk(address, "zhangsan")[-1]
    assert (page.status, page.url) == (200, address)
    assert "<title>手册</title>" in page.text
    assert gate_site.visit().ask(address, SCRIPT).status == 401
    assert gate_site.visit().walk(address, "alice")[-1].status == 403
