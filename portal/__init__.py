"""The map of the login portal.

Each room uses only the rooms above it.

    errors         the error numbers, their names and meanings
    text           cleaning and comparing of texts from outside
    files          files that only the portal's user may read
    clocks         the time, and how far clocks of several machines may differ
    settings/      how a setting is read, and which names are none
    logs           log lines, one for each event
    metrics        the figures that monitoring reads
    database/      connections, writing transactions, races, and what failures mean
    models/        every table
    stored_counts  numbers that the worker counts for the pages
    audit          the audit log: record and search
    endings        the one place where sessions end
    health         readiness, schema and workers
    providers/     HTTP to the platforms, on Authlib's client classes
    directory/     people and departments as they are stored, and their syncs
    elements/      configured logins; one folder for each platform
    accounts/      local accounts
    signin/        attempts, sessions, links, waiting, and the way from a person to a session
    bindings/      which person signs in as which account
    applications/  applications that people open through the portal
    monitoring     the state of the portal at a scrape
    pages/         what a browser sees
    processes      programs that end with the one that started them
    commands       what an operator types
    maintenance    what an operator types once in a while
    trial          everything together, to try the portal

`app.py`, outside, wires them; `config.py` reads the environment. `sandbox/` shares nothing with the portal.
"""

__version__ = "1.0.0"
