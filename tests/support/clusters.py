"""PostgreSQL clusters that end with their test."""

from contextlib import contextmanager

from support.groups import report_missing
from support.postgres import Cluster, find_binaries


@contextmanager
def run_cluster():
    """Yield a cluster, or skip the test without PostgreSQL."""
    if find_binaries() is None:
        report_missing("postgresql", "PostgreSQL is not installed")
    cluster = Cluster()
    try:
        yield cluster
    finally:
        cluster.stop()
