"""A full sync of one element's directory.

run        the steps of a run, and how it ends
journal    counts, report and lease
reading    departments and people, read from the platform and compared by digests
stored     what is stored of the company's people
missing    people that were not listed, and what the platform answers about them
guard      the limit of people that may lose their access
writing    what a run changes

Memory stays flat. Changes wait in a file, and of stored people only digests are in memory. An element's first sync
writes people while it reads others, except those that would lose their access.
"""

from portal.directory.sync.journal import calculate_share
from portal.directory.sync.reading import NO_PEOPLE
from portal.directory.sync.run import Sync

__all__ = ["NO_PEOPLE", "Sync", "calculate_share"]
