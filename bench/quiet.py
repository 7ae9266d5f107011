"""The settings for gunicorn of every server that is measured; those of the portal stand in `gunicorn.conf.py`."""

forwarder_headers = ""
forwarded_allow_ips = ""
