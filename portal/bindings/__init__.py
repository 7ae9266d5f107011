"""The people that can sign in as an account."""
