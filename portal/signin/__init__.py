"""Logins from their start to a session."""
