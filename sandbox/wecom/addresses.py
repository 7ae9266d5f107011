"""The platform's own network addresses, for firewalls."""

from flask import Blueprint

from sandbox.wecom.answers import answer_success
from sandbox.wecom.gateway import require_access

bp = Blueprint("wecom_addresses", __name__, url_prefix="/cgi-bin")


@bp.get("/getcallbackip")
@require_access
def callback_addresses():
    """Answer the addresses that send events."""
    return answer_success(ip_list=["198.51.100.*", "192.0.2.17"])


@bp.get("/get_api_domain_ip")
@require_access
def api_addresses():
    """Answer the addresses of the server API."""
    return answer_success(ip_list=["198.51.100.7", "198.51.100.8"])
