"""The address at which the administrators' pages begin."""

from flask import Blueprint

from portal.pages.admin import layout
from portal.pages.local_addresses import redirect_to

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(layout.check_administrator)


@bp.get("")
def home():
    """Lead to the first page."""
    return redirect_to("admin_bindings.show")
