"""The platform's own network addresses, which firewalls ask for."""

from flask import Blueprint

from sandbox.wecom.answers import success
from sandbox.wecom.gateway import protected

bp = Blueprint("wecom_addresses", __name__, url_prefix="/cgi-bin")


@bp.get("/getcallbackip")
@protected
def callback_addresses():
    """Answer from where events are sent."""
    return success(ip_list=["198.51.100.*", "192.0.2.17"])


@bp.get("/get_api_domain_ip")
@protected
def api_addresses():
    """Answer where the server API is."""
    return success(ip_list=["198.51.100.7", "198.51.100.8"])
