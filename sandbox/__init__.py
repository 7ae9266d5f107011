"""Pretend Feishu and WeCom platforms for development and tests.

They speak as the real platforms do, listen on this machine only, and keep everything in memory.

company    the people of the pretend company (data: company.json)
world      clock, applications, issued codes and tokens, one lock
traffic    the record of calls, and failures on demand
wire       JSON as the platforms read and write it
phone      the pages on which a person is picked and then allows or refuses
client     the browsers that play a platform's client
feishu/    one platform       wecom/    the other (each knows only its own wire)
workspace  the app centres of the pretend clients
knobs/     what tests change  pages     the start page
server     the process
wiki       a pretend application behind the portal's gate, a process of its own     gate  the proxy in front of it

The sandbox shares neither code nor data with the portal it is used to test.
"""

from flask import Flask, request

from sandbox import feishu, knobs, pages, traffic, wecom, workspace
from sandbox.world import Portal, World

PLATFORMS = {"feishu": feishu, "wecom": wecom}


class Sandbox(Flask):
    """A Flask that answers one request at a time.

    The views share one world. Waiting happens outside the lock.
    """

    def dispatch_request(self):
        with self.extensions["sandbox"].lock:
            return super().dispatch_request()


def create_app(people=0, departments=0, portal=None):
    """Return the sandbox.

    :param people: how many people to make up besides the usual ones.
    :param departments: the same for departments.
    :param portal: the `world.Portal` its pages lead to.
    """
    app = Sandbox(__name__, static_url_path="/_sandbox/static")
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    default_apps = {name: module.make_default_apps for name, module in PLATFORMS.items()}
    app.extensions["sandbox"] = World(default_apps, portal or Portal(), people, departments)
    app.extensions["sandbox_traffic"] = traffic.Traffic()
    app.before_request(traffic.observe_request)
    for module in (knobs, *PLATFORMS.values()):
        module.register(app)
    app.register_blueprint(pages.bp)
    app.register_blueprint(workspace.bp)
    app.register_error_handler(404, answer_unknown_path)
    app.register_error_handler(405, answer_unknown_path)
    return app


def answer_unknown_path(error):
    """Answer an unknown path as its platform does.

    A wrong method counts as an unknown path.
    """
    for module in PLATFORMS.values():
        if request.path.startswith(module.PATHS):
            return module.answer_not_found()
    return error
