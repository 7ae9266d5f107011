"""People and departments as they are stored."""
