"""Users, departments and groups of the directory.

https://open.feishu.cn/document/server-docs/contact-v3/resources
"""
