"""The portal on a machine whose clock is wrong.

`support.other_clock:create_app()` is what gunicorn runs, with `CLOCK_AHEAD` in seconds.
"""

import os
from datetime import UTC, datetime, timedelta

import time_machine

import app

OTHER_CLOCK = "support.other_clock:create_app()"


def create_app():
    """Move this process's clock, and create the portal."""
    ahead = timedelta(seconds=float(os.environ["CLOCK_AHEAD"]))
    time_machine.travel(datetime.now(UTC) + ahead, tick=True).start()
    return app.create_app()
