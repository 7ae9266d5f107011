"""Pretend Feishu and WeCom platforms for development and tests: true to the wire, on loopback, in memory.

company    who works in the pretend company (data: company.json)
world      clock, applications, what was issued; one lock
traffic    the record of calls, and failures on demand
wire       JSON as the platforms read and write it
phone      the pages on which one picks who one is
client     which browsers play a platform's client
feishu/    one platform       wecom/    the other: each knows only its own wire
workspace  the app centres of the pretend clients
knobs      what tests turn    pages     the start page
server     the process

It shares neither code nor data with the portal it is used to test.
"""

from flask import Flask, request

from sandbox import feishu, knobs, pages, traffic, wecom, workspace
from sandbox.world import Portal, World

PLATFORMS = {"feishu": feishu, "wecom": wecom}


class Sandbox(Flask):
    """A Flask that answers one request at a time: the views share one world. Waiting happens outside the lock."""

    def dispatch_request(self):
        with self.extensions["sandbox"].lock:
            return super().dispatch_request()


def create_app(people=0, departments=0, portal=None):
    """Return the sandbox, with this many made-up people and departments besides the usual ones.

    :param portal: the `world.Portal` its pages lead to.
    """
    app = Sandbox(__name__, static_url_path="/_sandbox/static")
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    default_apps = {name: module.default_apps for name, module in PLATFORMS.items()}
    app.extensions["sandbox"] = World(default_apps, portal or Portal(), people, departments)
    app.extensions["sandbox_traffic"] = traffic.Traffic()
    app.before_request(traffic.observe)
    app.register_blueprint(knobs.bp)
    app.register_blueprint(pages.bp)
    app.register_blueprint(workspace.bp)
    for module in PLATFORMS.values():
        module.register(app)
    app.register_error_handler(404, unknown_path)
    app.register_error_handler(405, unknown_path)
    return app


def unknown_path(error):
    """Answer a path nobody serves the way its platform does; a wrong method counts as one."""
    for module in PLATFORMS.values():
        if request.path.startswith(module.PATHS):
            return module.not_found()
    return error
