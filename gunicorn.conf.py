"""The settings that gunicorn reads when started in this folder.

Options on its command line go first.
"""

import os
import sys

# The portal lives at the root of its host, and PORTAL_TRUSTED_PROXIES alone says which proxies count. Without these
# lines gunicorn lets any program on this machine move the path by a header named SCRIPT_NAME.
forwarder_headers = ""
forwarded_allow_ips = ""


def on_starting(server):
    """End with a line for each wrong setting, before any process is made."""
    import config

    try:
        config.load(os.environ, config.ROOT / "instance")
    except config.BadSettings as error:
        error.show()
        sys.exit(error.exit_code)
