"""Where people open their applications."""

from sqlalchemy import select

from portal import database
from portal.models import Application

ANY_ACTIVE = database.PreparedRead(select(Application.id).where(Application.active).limit(1))


def has_active_applications() -> bool:
    """Tell whether the portal has applications to open."""
    return database.read_row(ANY_ACTIVE) is not None


def find_launch_address(application: Application) -> str | None:
    """Return the address at which people open an application.

    It is `launch_url` or the first host. An application may have neither.
    """
    return application.launch_url or next(iter(application.hosts), None)
