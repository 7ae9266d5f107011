"""The settings that gunicorn reads when started in this folder.

Options on its command line go first.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import config as portal_settings  # noqa: E402
from portal import logs, metrics  # noqa: E402

# The portal lives at the root of its host, and PORTAL_TRUSTED_PROXIES alone says which proxies count. Without these
# lines gunicorn lets any program on this machine move the path by a header named SCRIPT_NAME.
forwarder_headers = ""
forwarded_allow_ips = ""

# gunicorn's own lines look like the portal's.
if portal_settings.read_log_form(os.environ) == "json":
    logconfig_dict = logs.make_config("json")

# The processes count into one folder. The library has to know it before it is imported.
folder_problem = metrics.use_folder(portal_settings.ROOT / "instance" / metrics.FOLDER_NAME)


def on_starting(server):
    """End with a line for each wrong setting, before any process is made."""
    try:
        portal_settings.load(os.environ, portal_settings.ROOT / "instance")
    except portal_settings.BadSettings as error:
        error.show()
        sys.exit(error.exit_code)
    if folder_problem:
        server.log.warning("figures are not shared between processes: %s", folder_problem)
    metrics.remove_ended()
