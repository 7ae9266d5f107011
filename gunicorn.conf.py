"""The settings that gunicorn reads when started in this folder.

`make serve`, the units and the image in `deploy/` all use this file. Options on its command line go first.
"""

import gc
import importlib
import os
import sys
from pathlib import Path

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

sys.path.insert(0, str(Path(__file__).resolve().parent))

import config as portal_settings  # noqa: E402
from portal import logs, metrics  # noqa: E402

OURS = {"config", "portal"}  # packages of the portal that this file uses
# The workers share the memory of libraries that are imported before they are made, and start at once.
LIBRARIES = "alembic babel.dates flask_babel flask_migrate flask_sqlalchemy flask_wtf huey limits psycopg redis".split()
LIBRARIES += [
    "authlib.integrations.requests_client",
    "cryptography.fernet",
    "requests",
    "sqlalchemy.dialects.postgresql",
]

workers = 2
threads = 16
keepalive = 75  # seconds; longer than a proxy keeps its connections, so that the proxy is the one to close them
graceful_timeout = 20  # seconds; a login may take eight for its calls to the platform
limit_request_line = 8190  # bytes
control_socket_disable = True
# A reload would keep a preloaded app, with the elements of the start.
preload_app = False

# The portal lives at the root of its host, and PORTAL_TRUSTED_PROXIES alone says which proxies count. Without these
# lines gunicorn lets any program on this machine move the path by a header named SCRIPT_NAME.
forwarder_headers = ""
forwarded_allow_ips = ""

# gunicorn's own lines look like the portal's, and hold as little.
log_form = portal_settings.read_log_form(os.environ)
logconfig_dict = logs.make_config(log_form)


class PortalLogger(Logger):
    """A log whose access lines are off unless `--access-logfile` is given.

    They have the form of all lines, without query strings and one-time tokens. The proxy writes a log of its own.
    """

    def _compute_access_log_enabled(self):
        return bool(self.cfg.accesslog)

    def setup(self, cfg):
        """Write the access log to the file that was named."""
        super().setup(cfg)
        if cfg.accesslog:
            self.access_log.propagate = False
            self._set_handler(self.access_log, cfg.accesslog, fmt=logs.FORMATTERS[log_form](), stream=sys.stdout)


class PromptWorker(ThreadWorker):
    """A worker that closes its listening sockets as soon as it has to end.

    While requests of an ending server go on, the system would otherwise accept connections for it that it never
    answers. A proxy may not send a form a second time, so that form would be lost. At a reload the main process and
    the new workers have the sockets, too, and nothing is refused.
    """

    def set_accept_enabled(self, enabled):
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()


logger_class = PortalLogger
worker_class = PromptWorker
bind = portal_settings.read_early(os.environ, "PORTAL_BIND")


def on_starting(server):
    """End with a line for each wrong setting, before any process is made."""
    try:
        portal_settings.load(os.environ, portal_settings.ROOT / "instance")
    except portal_settings.BadSettings as error:
        error.show()
        sys.exit(error.exit_code)
    # The processes count into one folder, which their library has to know before it is imported.
    if problem := metrics.use_folder(portal_settings.ROOT / "instance" / metrics.FOLDER_NAME):
        server.log.warning("figures are not shared between processes: %s", problem)
    metrics.remove_ended()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    forget_code()


def on_reload(server):
    """Read the code anew."""
    forget_code()


def forget_code():
    """Drop the portal's modules, which new workers would inherit as they are.

    The libraries stay. A new version of one needs a restart.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
