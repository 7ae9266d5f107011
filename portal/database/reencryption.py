"""Stored secrets encrypted anew, after a change of keys."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app
from sqlalchemy import Column, LargeBinary, Row, Update, literal, select, tuple_, type_coerce, update

from portal import database
from portal.database import Encrypted, db

REENCRYPTED_AT_ONCE = 200  # rows in one transaction
MOST_PASSES = 5  # through one column, while the portal changes values that were just read


@dataclass
class ReencryptedColumn:
    """A column of secrets, and the numbers of its rows.

    :param name: table and column.
    :param renewed: how many were written anew.
    :param current: how many were under the first key already.
    :param unreadable: the rows that no key decrypts, by their ids.
    :param changed: how many the portal has changed meanwhile.
    """

    name: str
    renewed: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)
    changed: int = 0


def reencrypt_secrets() -> Iterator[ReencryptedColumn]:
    """Write all stored secrets anew under the first key.

    The portal may run meanwhile: only values that are still as they were read are replaced.
    """
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Encrypted):
                yield reencrypt_column(column)


def reencrypt_column(column: Column) -> ReencryptedColumn:
    """Write the secrets of one column anew."""
    renewed = 0
    for _ in range(MOST_PASSES):
        result = ReencryptedColumn(f"{column.table.name}.{column.name}")
        for rows in iterate_batches(column):
            reencrypt_rows(column, rows, result)
        renewed += result.renewed
        if not result.changed:
            break
    result.current -= renewed - result.renewed
    result.renewed = renewed
    return result


def iterate_batches(column: Column) -> Iterator[list[Row]]:
    """Yield the stored values of a column with their keys.

    The value comes last in a row. No transaction stays open between two batches.
    """
    keys = list(column.table.primary_key.columns)
    stored = select(*keys, type_coerce(column, LargeBinary)).where(column.is_not(None)).order_by(*keys)
    after = None
    while True:
        following = stored if after is None else stored.where(tuple_(*keys) > tuple_(*after))
        rows = db.session.execute(following.limit(REENCRYPTED_AT_ONCE)).all()
        database.end_transaction()
        if not rows:
            return
        after = [literal(value, key.type) for key, value in zip(keys, rows[-1][:-1], strict=True)]
        yield rows


def reencrypt_rows(column: Column, rows: list[Row], result: ReencryptedColumn) -> None:
    """Write the secrets of some rows anew, in one transaction."""
    first = Fernet(current_app.config["PORTAL_ENCRYPTION_KEYS"][0])
    keys, changes = Encrypted.load_keys(), []
    for *ids, value in rows:
        try:
            first.decrypt(value)
            result.current += 1
        except InvalidToken:
            try:
                changes.append((ids, value, keys.rotate(value)))
            except InvalidToken:
                result.unreadable.append(" ".join(str(id) for id in ids if not isinstance(id, bytes)))
    if changes:
        with database.write() as session:
            for ids, value, renewed in changes:
                was_renewed = session.execute(write_renewed(column, ids, value, renewed)).rowcount
                result.renewed += was_renewed
                result.changed += 1 - was_renewed


def write_renewed(column: Column, ids: list, value: bytes, renewed: bytes) -> Update:
    """Return the statement that replaces one value.

    It does so only where the value is still the one that was read. Times of the row stay.
    """
    table = column.table
    same_row = [key == id for key, id in zip(table.primary_key.columns, ids, strict=True)]
    kept = {other: other for other in table.columns if other.onupdate is not None}
    is_same = type_coerce(column, LargeBinary) == literal(value, LargeBinary)
    return update(table).where(*same_row, is_same).values({**kept, column: literal(renewed, LargeBinary)})
