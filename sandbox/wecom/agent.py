"""An application's entry in the console.

https://developer.work.weixin.qq.com/document/path/90227
"""

from urllib.parse import urlsplit

from flask import Blueprint, g, request

from sandbox.company import ROOT
from sandbox.wecom.answers import Refused, answer_success
from sandbox.wecom.gateway import require_access
from sandbox.world import world

bp = Blueprint("wecom_agent", __name__, url_prefix="/cgi-bin")


@bp.get("/agent/get")
@require_access
def get_agent():
    """Answer the application's own entry.

    Another application's entry is refused.
    """
    asked = request.args.get("agentid", "")
    if not any(app.corpid == g.app.corpid and app.agentid == asked for app in world.wecom.apps.values()):
        raise Refused(40056)
    if asked != g.app.agentid:
        raise Refused(301002)
    reach = g.app.contact_range or {}
    parties = [ROOT] if g.app.contact_range is None else reach.get("departments", [])
    home = world.portal.page(f"/login/{world.portal.wecom[0]}/in-app") if world.portal.wecom else ""
    return answer_success(
        agentid=int(g.app.agentid),
        name=g.app.name,
        square_logo_url="",
        description="",
        allow_userinfos={"user": [{"userid": key} for key in reach.get("users", ())]},
        allow_partys={"partyid": [int(party) for party in parties]},
        allow_tags={"tagid": [int(tag) for tag in reach.get("groups", ())]},
        close=0,
        redirect_domain=urlsplit(world.portal.url).netloc if g.app.trusted_domain is None else g.app.trusted_domain,
        report_location_flag=0,
        isreportenter=0,
        home_url=home if g.app.home_url is None else g.app.home_url,
        customized_publish_status=1,
    )
