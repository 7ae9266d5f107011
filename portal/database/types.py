"""Column types for times in UTC and for encrypted text."""

from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from sqlalchemy import DateTime, Dialect, LargeBinary, TypeDecorator


class Moment(TypeDecorator):
    """A time in UTC.

    It is so, too, where the database keeps no zone.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time needs its zone")
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Encrypted(TypeDecorator):
    """Text that is stored encrypted.

    `PORTAL_ENCRYPTION_KEYS` holds the keys. A value that none of them decrypts reads as `None`.
    """

    impl = LargeBinary
    cache_ok = True

    @staticmethod
    def load_keys() -> MultiFernet:
        """Return the configured keys."""
        return MultiFernet([Fernet(key) for key in current_app.config["PORTAL_ENCRYPTION_KEYS"]])

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return value if value is None else self.load_keys().encrypt(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        try:
            return value if value is None else self.load_keys().decrypt(bytes(value)).decode()
        except InvalidToken:
            return None
