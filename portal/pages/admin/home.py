"""The start of the administrators' pages."""

from flask import Blueprint

from portal.pages.admin import layout
from portal.pages.local_addresses import redirect_to

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(layout.guard)


@bp.get("")
def home():
    return redirect_to("admin_bindings.show")
