"""What a sync uses of a platform's client.

`Meta.directory_client()` of an element that can be synced returns a `Directory`.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

from portal.providers.app_tokens import StoredToken


@runtime_checkable
class Survey(Protocol):
    """One reading of a whole directory, departments before people."""

    whole: bool
    """Whether the app may see the whole company; known once the departments are read."""

    unread: dict[str, list[str]]
    """Kind of a warning -> ids of what the app may not read."""

    elsewhere: dict[str, str]
    """Open department id -> department id, of departments outside the app's range; the sync fills it."""

    def departments(self) -> Iterator[list[dict]]:
        """Yield pages of departments.

        A department has `deptId`, `openId` (or ""), `parentId`, `name`, `leaders` and `position`; the last four are
        `None` where the platform does not tell them.
        """
        ...

    def sources(self) -> list:
        """Return what people are read from, such as the departments."""
        ...

    def members(self, source: Any) -> Iterator[list[dict]]:
        """Yield pages of the people in one source.

        :return: people as `entry()` returns them.
        """
        ...

    def entry(self, person: dict) -> dict:
        """Return a person with `subject`, the id that never changes.

        :param person: as `Directory.member()` returns it.
        """
        ...


@runtime_checkable
class Directory(Protocol):
    """A platform's directory, read with the app's own authority."""

    limits: tuple[tuple[int, float], ...]
    """Pairs of calls and seconds, for each kind of call by itself."""

    at_once: int
    """Calls of one sync under way together."""

    lasting_id: str
    """The column of a stored person by which `member()` is asked about them."""

    unclear: tuple
    """Numbers of the platform that mean an unknown person, but not that this person has left."""

    stored_token: StoredToken
    """The app's own token."""

    def member(self, user_id: str) -> dict:
        """Return what the directory says of a person.

        Keys that it does not tell are absent.

        :raises Code: NOT_FOUND, NOT_ALLOWED outside the app's range, NOT_PERMITTED, or UNAVAILABLE.
        """
        ...

    def department(self, dept_id: str) -> dict:
        """Return one department, as `Survey.departments()` yields it.

        :raises Code: NOT_FOUND, also outside the app's range; NOT_PERMITTED.
        """
        ...

    def survey(self, call: Callable = ...) -> Survey:
        """Start reading the whole directory.

        :param call: makes each call; see `portal.providers.survey`.
        """
        ...


class SyncedElement(Protocol):
    """An element, as far as a sync uses it."""

    name: str
    """The short name."""

    provider: str
    """The platform, as it is stored with people."""

    avatar_hosts: tuple[str, ...]
    """Ends of the host names from which pictures are accepted."""

    keepsLimits: bool
    """Whether a sync keeps the platform's limits."""

    def tenant(self) -> str:
        """Return the company that the directory belongs to."""
        ...

    def directory_client(self) -> Directory:
        """Return the client that reads the directory."""
        ...
