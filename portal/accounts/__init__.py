"""Whose account is it: attempts, sessions, one-time links, and the one way from a person to a session."""
