"""Which person of a platform signs in as which account, and the ways to decide that."""
