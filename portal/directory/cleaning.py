"""Cleaning of people, once, where their data enters."""

import re
from collections.abc import Mapping

from portal.errors import UNAVAILABLE, Code
from portal.providers.person import EMPTY, Person
from portal.text import is_clean, one_line

TEXTS = ("name", "mobile", "email", "companyEmail", "position", "openId", "employeeNo")
PICTURE = re.compile(r"https://([a-z0-9.-]+)(:443)?([/?#].*)?", re.IGNORECASE)
PICTURE_LONGEST = 1000  # characters of its address
ALLOWED = {"gender": range(0, 3), "status": range(1, 5)}


class CleanPerson(Person):
    """A person that needs no second look.

    Every value has its right type, is printable and of bounded length. Only `clean_person()` and `clean_in_place()` may
    make one.
    """


def clean_person(person: Mapping, avatar_hosts: tuple[str, ...]) -> CleanPerson:
    """Return a person with clean values.

    Ids stay as they are. In a mapping without `withheld`, what is empty counts as withheld.

    :param avatar_hosts: ends of the host names from which pictures are accepted.
    """
    withheld = person["withheld"] if "withheld" in person else [key for key in EMPTY if not person.get(key)]
    cleaned = clean_in_place(CleanPerson(**{**person, "withheld": list(withheld)}), avatar_hosts)
    cleaned.lookup = getattr(person, "lookup", None)
    return cleaned


def clean_in_place(person: CleanPerson, avatar_hosts: tuple[str, ...]) -> CleanPerson:
    """Clean a person in place, and return it.

    A sync does this 100,000 times, so it saves the copy.
    """
    for key in TEXTS:
        person[key] = one_line(person.get(key))
    ids = person["department"] if isinstance(person["department"], list) else []
    person["department"] = [dept_id for dept_id in map(one_line, ids) if dept_id]
    person["isLeader"] = person["isLeader"] is True
    for key, allowed in ALLOWED.items():
        if type(person[key]) is not int or person[key] not in allowed:
            person[key] = EMPTY[key]
    person["avatar"] = clean_avatar(person["avatar"], avatar_hosts)
    return person


def clean_avatar(address: object, hosts: tuple[str, ...]) -> str:
    """Return the address of a picture, if it is accepted.

    Else it returns "". The address has to be https on one of the platform's own hosts.

    :param hosts: ends of host names, `.example.com`, or whole origins.
    """
    if not isinstance(address, str) or len(address) > PICTURE_LONGEST:
        return ""
    if not (address.isascii() and address.isprintable()):
        return ""
    if address.startswith(tuple(f"{host}/" for host in hosts if "://" in host)):
        return address
    parts = PICTURE.fullmatch(address)
    return address if parts and parts[1].lower().endswith(hosts) else ""


def check_ids(person: Mapping) -> None:
    """Raise unless a person's ids are usable as they are.

    A cleaned id could be another person's.

    :raises Code: UNAVAILABLE.
    """
    for name in ("provider", "tenant", "subject", "userId"):
        if not is_clean(person.get(name)):
            raise Code(UNAVAILABLE, f"the platform told no usable {name}")
