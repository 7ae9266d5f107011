"""What gunicorn reads by itself when it is started in this folder; options on its command line go first."""

# The portal lives at the root of its host, and PORTAL_TRUSTED_PROXIES alone says which proxies count. Without these
# lines gunicorn lets any program on this machine move the path by a header named SCRIPT_NAME.
forwarder_headers = ""
forwarded_allow_ips = ""
