"""Column types: times in UTC, and text that rests encrypted."""

from datetime import UTC

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from sqlalchemy import DateTime, LargeBinary, TypeDecorator


class Moment(TypeDecorator):
    """A time in UTC, also where the database keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time needs its zone")
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value, dialect):
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Encrypted(TypeDecorator):
    """Text that rests encrypted under `PORTAL_ENCRYPTION_KEYS`; what no key opens reads as `None`."""

    impl = LargeBinary
    cache_ok = True

    @staticmethod
    def keys():
        return MultiFernet([Fernet(key) for key in current_app.config["PORTAL_ENCRYPTION_KEYS"]])

    def process_bind_param(self, value, dialect):
        return value if value is None else self.keys().encrypt(value.encode())

    def process_result_value(self, value, dialect):
        try:
            return value if value is None else self.keys().decrypt(bytes(value)).decode()
        except InvalidToken:
            return None
