"""The applications on the page of an account or person."""

from dataclasses import dataclass

from portal.accounts import search
from portal.applications import access, usage
from portal.applications.usage import OpenedApplication
from portal.models import Account, Application, Group
from portal.pages.admin.application_words import describe_leaving


@dataclass(frozen=True)
class EnterableApplication:
    """An application that an account may enter.

    :param groups: those of its groups that the account is in.
    :param leaving: how soon a leaver is out.
    """

    application: Application
    groups: list[Group]
    leaving: list[str]


@dataclass(frozen=True)
class AccountApplications:
    """The applications of an account.

    :param opened: those that it has opened, and when access ended.
    """

    enterable: list[EnterableApplication]
    opened: list[OpenedApplication]

    @property
    def still_open(self) -> list[OpenedApplication]:
        return [row for row in self.opened if row.ended_at is None]

    @property
    def ended(self) -> list[OpenedApplication]:
        """Those that a leaver had opened.

        Of an account that may enter some, they would say nothing.
        """
        return [] if self.enterable else [row for row in self.opened if row.ended_at is not None]

    @property
    def unseen_ends(self) -> list[OpenedApplication]:
        """The clients that may keep a session of their own.

        They are told of no end.
        """
        return [row for row in self.ended if row.application.redirect_uris and not row.application.backchannel_uri]


def collect_applications(account: Account) -> AccountApplications:
    """Return the applications that an account may enter, and has.

    A disabled account, or one that no person is bound to, may enter none.
    """
    can_sign_in = account.active and search.list_identities(account.id)
    enterable = access.list_enterable(account.id) if can_sign_in else []
    own = {group.id for group in access.find_groups(account.id)} if enterable else set()
    rows = [
        EnterableApplication(row, [group for group in row.groups if group.id in own], describe_leaving(row))
        for row in enterable
    ]
    return AccountApplications(rows, usage.list_opened(account.id))
