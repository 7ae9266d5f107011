"""Connections to PostgreSQL that do not wait without an end.

The server's own limits end long statements. They do not help where the server hangs, or its network is gone.
"""

from typing import Any

import psycopg

ANSWER_WAIT = 4.0  # seconds; the server itself ends a statement after three
CHECK_WAIT = 1.5  # seconds; a new connection may take three more, and a page answers within five


class ImpatientConnection(psycopg.Connection):
    """A connection that closes when no answer comes.

    :ivar patience: seconds.
    """

    patience = ANSWER_WAIT

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        """Wait for the server's answer.

        :raises psycopg.OperationalError: when it takes too long; what has become of the statement is not known.
        """
        kwargs.setdefault("timeout", self.patience)
        try:
            return super().wait(*args, **kwargs)
        except psycopg.OperationalError as error:
            if error.sqlstate is not None or self.pgconn.transaction_status != psycopg.pq.TransactionStatus.ACTIVE:
                raise
            self.close()
            raise psycopg.OperationalError("the server does not answer") from None
