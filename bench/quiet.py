"""The settings for gunicorn of every measured server.

Those of the portal stand in `gunicorn.conf.py`.
"""

forwarder_headers = ""
forwarded_allow_ips = ""
