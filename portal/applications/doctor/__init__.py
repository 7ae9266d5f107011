"""The doctor of applications asks their hosts as visitors do.

Each host must meet the gate, and no header that a visitor makes up may pass it.
"""

from portal import database
from portal.applications import proxy_problems
from portal.applications.doctor.asking import Visitor
from portal.applications.doctor.host import HostDoctor, SignedInAs
from portal.elements.doctor.examination import OK, Finding
from portal.models import Application

__all__ = ["SignedInAs", "examine_hosts"]


def examine_hosts(application: Application, me: SignedInAs | None = None) -> dict[str, list[Finding]]:
    """Examine an application's hosts.

    It takes a bounded time, and no transaction is open while a host is asked. If all is well, the gate's notes about
    the proxies are forgotten.

    :param me: the administrator whose sign-in is used; `None` checks without one.
    :return: findings by origin.
    """
    number, visitor = application.id, Visitor()
    doctors = [HostDoctor(application, origin, visitor, me) for origin in application.hosts]
    findings = {doctor.origin: doctor.examine() for doctor in doctors}
    if all(finding.state == OK for host in findings.values() for finding in host):
        with database.write():
            proxy_problems.forget_problems(number)
    return findings
