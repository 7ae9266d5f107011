"""The person that a line of an import means.

A line names a person by one or more keys, and a key may be spelled in other forms than the database has.
"""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import select

from portal.accounts import accounts
from portal.database import db
from portal.models import Identity, ImportRow
from portal.text import ascii_lower, narrow, widen

KEYS = ("employee_number", "email", "mobile", "provider_id")
KEY_COLUMNS = {  # key -> the columns of people it is looked up in
    "employee_number": (Identity.employee_number,),
    "email": (Identity.company_email,),
    "own_email": (Identity.email_folded,),
    "mobile": (Identity.mobile,),
    "provider_id": (Identity.user_id, Identity.subject),
}
PERSON_COLUMNS = tuple(
    getattr(Identity, name) for name in ("id", "provider", "tenant", "account_id", "status", "name", "company_email")
)
SPACERS = re.compile("[\\s().\\-/\u2010-\u2015\u2212]")
CHINESE_MOBILE = re.compile("861[0-9]{10}")  # the country number without a sign before it


@dataclass(frozen=True)
class StoredPerson:
    """The columns of a stored person that an import needs."""

    id: int
    provider: str
    tenant: str
    account_id: int | None
    status: int
    name: str
    company_email: str


def read_key(key: str, row: ImportRow) -> str:
    """Return the text that a line has under a key."""
    return row.cells.get("email" if key == "own_email" else key, "")


def is_typed(row: ImportRow, person: StoredPerson | Identity) -> bool:
    """Tell whether only a typed address names the person.

    That is an e-mail address which the person may have typed themselves.
    """
    keys = [key for key in KEYS if read_key(key, row)]
    return keys == ["email"] and person.company_email not in list_spellings("email", read_key("email", row))


def find_people(key: str, texts: set[str]) -> dict[str, set[StoredPerson]]:
    """Return the stored people with one of these values.

    :param texts: as lines spell them; they are the keys of the result.
    """
    people = defaultdict(set)
    for column in KEY_COLUMNS[key]:
        by_spelling = defaultdict(set)
        for text in texts:
            spellings = list_spellings(key, text)
            spellings |= {ascii_lower(spelling) for spelling in spellings} if column is Identity.subject else set()
            for spelling in spellings:
                by_spelling[spelling].add(text)
        rows = select(column, *PERSON_COLUMNS).where(column.in_(by_spelling)) if by_spelling else None
        for value, *columns in db.session.execute(rows) if by_spelling else ():
            for text in by_spelling[value]:
                people[text].add(StoredPerson(*columns))
    return people


def list_spellings(key: str, text: str) -> set[str]:
    """Return how the database may spell a key.

    :return: nothing for a text that can't be such a key.
    """
    usual = unicodedata.normalize("NFKC", text)
    if key in ("email", "own_email"):
        spellings = (text, usual) if accounts.EMAIL.fullmatch(usual) else ()
        folds = (str.lower, ascii_lower)  # as either database does
        return {fold(spelling) for spelling in spellings for fold in folds}
    if key == "mobile":
        number = strip_country_number(usual)
        return {f"{prefix}{number}" for prefix in ("", "+86", "+86-", "+86 ", "86", "0086")} if number else set()
    if key == "employee_number":
        return {text, usual, widen(usual)}
    return {text, narrow(text)}  # other forms of a letter are other ids


def strip_country_number(mobile: str) -> str:
    """Return a mobile number without the Chinese country number.

    One platform writes it and the other doesn't.

    :return: "" for what is no telephone number.
    """
    digits = SPACERS.sub("", mobile)
    if not accounts.MOBILE.fullmatch(digits):
        return ""
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    digits = digits.removeprefix("+86")
    return digits[2:] if CHINESE_MOBILE.fullmatch(digits) else digits
