"""The doctor of applications asks their hosts as visitors do.

Each host must meet the gate, and no header that a visitor makes up may pass it.
"""

from portal.applications.doctor.asking import Visitor
from portal.applications.doctor.host import HostDoctor, SignedInAs
from portal.elements.doctor.examination import Finding
from portal.models import Application

__all__ = ["SignedInAs", "examine_hosts"]


def examine_hosts(application: Application, me: SignedInAs | None = None) -> dict[str, list[Finding]]:
    """Examine an application's hosts; return findings by origin.

    It takes a bounded time, and no transaction is open while a host is asked.

    :param me: the administrator whose sign-in is used; `None` checks without one.
    """
    visitor = Visitor()
    doctors = [HostDoctor(application, origin, visitor, me) for origin in application.hosts]
    return {doctor.origin: doctor.examine() for doctor in doctors}
