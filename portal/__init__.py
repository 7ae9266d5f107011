"""The login portal. The map, each room using only what stands before it:

    errors       Code, and what its numbers mean
    files        what nobody else on this machine may read
    clocks       how far the clocks of several machines may differ
    database     how it is reached, and what its failures mean
    models       every table; write() and audit()
    providers/   speaks to Feishu and WeCom: HTTP only, on Authlib's client classes
    directory/   people and departments as they are stored
    elements/    configured logins under their public, camelCase interface
    accounts/    whose account is it: attempts, sessions, one-time links, sign_in()
    pages/       what a browser sees
    processes    programs that end with the one that started them
    commands     what an operator types

`app.py`, outside, wires them; `config.py` reads the environment. `sandbox/` shares nothing with the portal.
"""
