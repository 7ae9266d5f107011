"""What a team would write instead: small apps, each at its quickest fair setting.

Each reads `STUB`, the platform's address, `BASE`, its own address, `FOLDER`, where it may keep a database, and
`PAGE_SIZE`, the size of the portal's login page. A peer with tables makes them when its module is run. All send the
portal's own queries to the platform, but for django-allauth, which has its own.
"""

APP = {"app_id": "cli_5a4db0c5a4db0c01", "app_secret": "sandbox-feishu-secret"}
CORP = {"corpid": "wwsandbox00000001", "corpsecret": "sandbox-wecom-secret"}
SECRET = "a secret key to measure with, long enough to be one"
