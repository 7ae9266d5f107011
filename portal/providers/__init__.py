"""HTTP to the platforms, on clients of Authlib."""
