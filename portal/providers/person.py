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
    """The result of looking a person up in the database.

    :param identity_id: the row's id, or `None` where there is no row.
    """

    identity_id: int | None


class Person(dict):
    """A person as a dict with at least ten keys.

    The keys of `EMPTY` are always present. `provider`, `tenant` and `subject` identify the person. `withheld` lists the
    keys that the platform did not send (not given here, or `None`). They hold the empty value of their type, and never
    erase what is stored. `email` may be typed by the person. `companyEmail` is an address that only the company can
    change.
    """

    lookup: Lookup | None = None  #: set where a login has looked the person up already

    def __init__(self, **values: object):
        values = {key: value for key, value in values.items() if value is not None}
        super().__init__({"withheld": [key for key in KEYS if key not in values], **EMPTY, **values})
