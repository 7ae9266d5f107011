"""What a team would write instead: small apps, each at its quickest fair setting.

Each reads `STUB`, the platform's address, `BASE`, its own address, and `FOLDER`, where it may keep a database. All have
the same addresses: `/login`, `/login/start`, `/login/callback` and `/api/session`.
"""
