"""A person as a platform describes them."""

from typing import NamedTuple

EMPTY = {
    "userId": "",
    "name": "",
    "mobile": "",
    "email": "",
    "avatar": "",
    "department": [],
    "position": "",
    "gender": 0,
    "status": 1,
    "isLeader": False,
}
KEYS = sorted(EMPTY)


class Lookup(NamedTuple):
    """The result of looking a person up in the database: the row's id, or `None` where there is no row."""

    identity_id: int | None


class Person(dict):
    """A dict in which the ten keys of `EMPTY` are always present.

    `provider`, `tenant` and `subject` say who it is. `withheld` lists the keys the platform did not tell this time
    (not given here, or `None`): they hold the empty value of their type, and never erase what is stored.
    `email` may be typed by the person; `companyEmail`, where it is told, is an address only the company can change.
    """

    lookup: Lookup | None = None  #: set where a login has looked the person up already

    def __init__(self, **known):
        known = {key: value for key, value in known.items() if value is not None}
        super().__init__({"withheld": [key for key in KEYS if key not in known], **EMPTY, **known})
