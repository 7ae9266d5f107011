"""Bindings of people to accounts, and the ways to decide them."""
