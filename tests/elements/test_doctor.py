"""The doctor finds what is wrong, says where to mend it, and finds it no more when it is mended."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet
from flask_migrate import upgrade
from sqlalchemy import select, update
from support.authority import Authority, serve_https
from support.portal_app import FEISHU, WECOM, both_databases
from support.small_disk import fill_disk, mount_small_disk

from portal.clocks import now
from portal.database import db
from portal.elements import doctor
from portal.elements.doctor.advice import COMMON
from portal.elements.doctor.element import Doctor
from portal.elements.doctor.installation import Installation
from portal.elements.feishu.doctor import FeishuDoctor
from portal.elements.wecom.doctor import WecomDoctor
from portal.models import Account, AppToken, Worker
from portal.providers import causes
from sandbox.feishu.gateway import WHOLE_CONTACT
from sandbox.feishu.model import EVERYTHING

FEISHU_TOKEN = "/open-apis/auth/v3/app_access_token/internal"
PROOF = {"file": "WW_verify_abc123.txt", "content": "abc123"}
HIDDEN = ("sandbox-feishu-secret", "sandbox-wecom-secret", "sandbox-contact-sync-secret", "1380000000", "@example.com")
NOBODY = {"departments": [], "users": []}
STORIES = {}


class Ward:
    """Where elements lie sick: settings and platforms to be changed, and a fresh portal for every look."""

    def __init__(self, sandbox, elements, settings, make_portal, serve, base, environ):
        self.environ = environ
        self.sandbox, self.elements, self.settings, self.serve, self.base = sandbox, elements, settings, serve, base
        self.make_portal, self.more, self.forwarded, self.element = make_portal, {}, [], FEISHU
        sandbox.portal(base)

    def feishu(self, **changes):
        self.sandbox.app("feishu", **changes)

    def wecom(self, **changes):
        self.sandbox.app("wecom", **changes)

    def own(self, code):
        folder = self.elements.folder / "Own"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "e.json").write_text(json.dumps({"title": "Own", "type": "auths.loginTypes.Meta"}))
        (folder / "__init__.py").write_text(f"from portal.elements import Meta\n\n\nclass Own(Meta):\n{code}")
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        self.element = self.elements.add("Mine", "Own", {})

    def browser(self):
        return self.make_portal(**self.more).test_client()

    def database(self, statement):
        with self.make_portal(**self.more).app_context():
            done = db.session.execute(db.text(statement))
            done = done.freeze()() if done.returns_rows else done
            db.session.commit()
            return done

    def findings(self, subject):
        portal = self.make_portal(**self.more)
        name = {"feishu": FEISHU, "wecom": WECOM, "element": self.element}.get(subject)
        with portal.app_context():
            found = doctor.examine(portal.elements.instances[name]) if name else Installation(self.forwarded).examine()
            db.session.rollback()
            tokens = [] if subject == "portal" else list(db.session.scalars(db.select(AppToken.value)))
        said = repr(found)
        assert not any(text in said for text in (*HIDDEN, *filter(None, tokens)))
        assert all((each.state == doctor.OK) == (each.name == "") for each in found)
        assert all(each.cause and each.remedy and "%(" not in each.cause + each.remedy for each in found if each.name)
        return {each.name: each for each in found}


@pytest.fixture
def ward(sandbox, elements, settings, make_portal, serve, base, monkeypatch):
    for name in causes.AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    return Ward(sandbox, elements, settings, make_portal, serve, base, monkeypatch)


def story(subject, name=None):
    """Note a story about one finding: until its `yield` it makes it happen, after it comes the remedy."""

    def note(tell):
        STORIES[subject, name or tell.__name__.partition("_")[2]] = tell
        return tell

    return note


# Any element


@story("element")
def any_waits(ward):
    ward.elements.feishu(appSecret="old")
    yield
    ward.elements.feishu()


@story("element")
def any_broken(ward):
    ward.elements.feishu(appId="")
    yield
    ward.elements.feishu()


@story("element")
def any_off(ward):
    ward.elements.feishu(isActive=False)
    yield
    ward.elements.feishu()


@story("element")
def any_own_type(ward):
    ward.own("    pass\n")
    yield
    ward.own("    class doctor(Meta.doctor):\n        checks = {'usable': 'Settings'}\n")


@story("element")
def any_own_code(ward):
    checks = "        checks = {'usable': 'Settings', 'mine': 'My platform'}\n"
    ward.own(
        f"    class doctor(Meta.doctor):\n{checks}\n        def check_mine(self):\n            raise KeyError('x')\n"
    )
    yield
    ward.own(f"    class doctor(Meta.doctor):\n{checks}\n        def check_mine(self):\n            return []\n")


@story("element")
def any_unreachable(ward):
    ward.sandbox.fail(FEISHU_TOKEN, status=503, body="<h1>Bad gateway</h1>")
    yield


@story("element")
def any_certificate_untrusted(ward):
    authority = Authority(ward.elements.folder)
    with serve_https(ward.sandbox.port, authority.certify()) as url:
        ward.elements.feishu(openBaseUrl=url)
        yield
        ward.environ.setenv("SSL_CERT_FILE", str(authority.file))
        yield


def bad_certificate(ward, bad):
    authority = Authority(ward.elements.folder)
    ward.environ.setenv("SSL_CERT_FILE", str(authority.file))
    with serve_https(ward.sandbox.port, authority.certify(**bad)) as url:
        ward.elements.feishu(openBaseUrl=url)
        yield
    with serve_https(ward.sandbox.port, authority.certify()) as url:
        ward.elements.feishu(openBaseUrl=url)
        yield


@story("element")
def any_certificate_expired(ward):
    return bad_certificate(ward, {"days": -1})


@story("element")
def any_certificate_host(ward):
    return bad_certificate(ward, {"address": "127.0.0.2"})


@story("element")
def any_authorities(ward):
    ward.environ.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    yield
    ward.environ.delenv("REQUESTS_CA_BUNDLE")


@story("element")
def any_tls(ward):
    with serve_https(ward.sandbox.port) as url:
        ward.elements.feishu(openBaseUrl=url)
        yield
    ward.elements.feishu()


@story("element")
def any_proxy(ward):
    ward.elements.feishu(httpProxy="http://127.0.0.1:9")
    yield
    ward.elements.feishu()


@story("element")
def any_busy(ward):
    ward.feishu(rate=0)
    yield
    ward.feishu(rate=None)


@story("element")
def any_refused(ward):
    ward.sandbox.fail(FEISHU_TOKEN, body={"code": 424242, "msg": "hidden <b>text</b>"})
    yield


@story("element")
def any_token_refused(ward):
    ward.sandbox.fail("/open-apis/contact/v3/scopes", count=2, body={"code": 99991663, "msg": "Invalid access token"})
    yield


@story("element")
def any_clock(ward):
    ward.sandbox.clock(120)
    yield
    ward.sandbox.clock(-120)


@story("element")
def any_clock_unknown(ward):
    token = {"code": 0, "app_access_token": "t-1", "tenant_access_token": "t-1", "expire": 7200}
    ward.sandbox.fail(FEISHU_TOKEN, body=token, headers={"Date": "yesterday"})
    yield


# Feishu


@story("feishu")
def feishu_credentials(ward):
    ward.elements.feishu(appSecret="old")
    yield
    ward.elements.feishu()


@story("feishu")
def feishu_app_off(ward):
    ward.feishu(disabled=True)
    yield
    ward.feishu(disabled=False)


@story("feishu")
def feishu_address(ward):
    ward.feishu(trusted_ip=False)
    yield
    ward.feishu(trusted_ip=True)


def without(*permissions):
    """Return a story in which the app lacks permissions until they are granted."""

    def tell(ward):
        ward.feishu(drop_permissions=permissions)
        yield
        ward.feishu(permissions=sorted(EVERYTHING))

    return tell


story("feishu", "contacts_forbidden")(without(*WHOLE_CONTACT))
story("feishu", "department_fields")(without("contact:department.organize:readonly"))
story("feishu", "person_fields")(without("contact:user.employee:readonly"))
story("feishu", "person_optional")(without("contact:user.phone:readonly"))
story("feishu", "company_unknown")(without("tenant:tenant:readonly"))


@story("feishu")
def feishu_company_unlisted(ward):
    yield
    ward.elements.feishu(tenantKeys=["5a4db0c5a4db0c01"])


@story("feishu")
def feishu_range_empty(ward):
    ward.feishu(contact_range=NOBODY)
    yield
    ward.feishu(contact_range=None)


@story("feishu")
def feishu_range_partial(ward):
    ward.feishu(contact_range={"departments": ["2"], "users": []})
    yield
    ward.feishu(contact_range=None)


@story("feishu")
def feishu_person_unread(ward):
    ward.feishu(contact_range={"departments": ["6"], "users": []})
    ward.sandbox.person("feishu", "carol", departments=["2"])
    yield
    ward.sandbox.person("feishu", "carol", departments=["6"])


@story("feishu")
def feishu_company_foreign(ward):
    ward.elements.feishu(tenantKeys=["somebody else's"])
    yield
    ward.elements.feishu(tenantKeys=["somebody else's", "5a4db0c5a4db0c01"])


@story("feishu")
def feishu_tokens_unrefreshed(ward):
    ward.elements.feishu(keepUserTokens=True)
    yield
    ward.elements.feishu(keepUserTokens=True, scope="offline_access")


@story("feishu")
def feishu_redirect_unproven(ward):
    yield
    ward.browser().sign_in(FEISHU)


@story("feishu")
def feishu_redirect_refused(ward):
    client = ward.browser()
    ward.sandbox.fail("/open-apis/authen/v2/oauth/token", body={"code": 20071, "error": "invalid_grant"})
    assert client.sign_in(FEISHU).status_code == 500
    yield
    client.sign_in(FEISHU)


@story("feishu")
def feishu_home_unproven(ward):
    yield
    client = ward.browser()
    path = f"/api/auths/loginTypes/{FEISHU}"
    headers = {"X-CSRFToken": client.get("/api/csrf").json["csrfToken"]}
    state = client.post(f"{path}/getLoginConfig", json={"kind": "in_app"}, headers=headers).json["data"]["state"]
    sent = {"authCode": ward.sandbox.code("feishu", "bob", source="requestAccess"), "state": state}
    assert client.post(f"{path}/getLoginCode", json=sent, headers=headers).json["errcode"] == 0


# WeCom


@story("wecom")
def wecom_company_id(ward):
    ward.elements.wecom(corpId="wwsandbox00000009")
    yield
    ward.elements.wecom()


@story("wecom")
def wecom_secret(ward):
    ward.elements.wecom(corpSecret="old")
    yield
    ward.elements.wecom()


@story("wecom")
def wecom_app_off(ward):
    ward.wecom(disabled=True)
    yield
    ward.wecom(disabled=False)


@story("wecom")
def wecom_address(ward):
    ward.wecom(trusted_ip=False)
    yield
    ward.wecom(trusted_ip=True)


@story("wecom")
def wecom_contact_secret(ward):
    ward.elements.wecom(corpSecret="sandbox-contact-sync-secret")
    yield
    ward.elements.wecom()


@story("wecom")
def wecom_agent_id(ward):
    ward.elements.wecom(agentId="2000002")
    yield
    ward.elements.wecom()


def not_calling(*calls):
    """Return a story in which the app may not make calls until it may."""

    def tell(ward):
        ward.wecom(drop_permissions=calls)
        yield
        ward.wecom(dropped=[])

    return tell


story("wecom", "forbidden")(not_calling("department/list"))
story("wecom", "domain_unread")(not_calling("agent/get"))
story("wecom", "home_unproven")(not_calling("agent/get"))


@story("wecom")
def wecom_range_empty(ward):
    ward.wecom(contact_range=NOBODY)
    yield
    ward.wecom(contact_range=None)


@story("wecom")
def wecom_range_people(ward):
    ward.wecom(contact_range={"departments": [], "users": ["zhangsan"]})
    yield
    ward.wecom(contact_range={"departments": ["2"], "users": ["zhangsan"]})


@story("wecom")
def wecom_person_out_of_range(ward):
    ward.sandbox.fail("/cgi-bin/user/get", body={"errcode": 60011, "errmsg": "no privilege to access zhangsan"})
    yield


@story("wecom")
def wecom_person_unread(ward):
    ward.wecom(contact_range={"departments": ["6"], "users": []})
    ward.sandbox.person("wecom", "carol", departments=["2"])
    yield
    ward.sandbox.person("wecom", "carol", departments=["6"])


@story("wecom")
def wecom_person_optional(ward):
    yield
    ward.elements.wecom(scope="snsapi_privateinfo")


@story("wecom")
def wecom_domain(ward):
    ward.wecom(trusted_domain="intranet.example.com")
    yield
    ward.wecom(trusted_domain=urlsplit(ward.base).netloc)


@story("wecom")
def wecom_home(ward):
    ward.wecom(home_url="https://open.weixin.qq.com/connect/oauth2/authorize?appid=x")
    yield
    ward.wecom(home_url=f"{ward.base}/login/{WECOM}/in-app?from=workbench")


@story("wecom")
def wecom_redirect_unproven(ward):
    yield
    ward.browser().sign_in(WECOM)


@story("wecom")
def wecom_redirect_refused(ward):
    client = ward.browser()
    ward.sandbox.fail("/cgi-bin/auth/getuserinfo", body={"errcode": 50001, "errmsg": "redirect_uri unauthorized"})
    assert client.sign_in(WECOM).status_code == 500
    yield
    client.sign_in(WECOM)


@story("wecom")
def wecom_proof_unset(ward):
    yield
    ward.elements.wecom(domainVerification=PROOF)


@story("wecom")
def wecom_proof_unreachable(ward):
    ward.elements.wecom(domainVerification=PROOF)
    yield
    ward.serve(workers=1)


@story("wecom")
def wecom_proof_wrong(ward):
    server = ward.serve(workers=1)
    ward.elements.wecom(domainVerification=PROOF)
    yield
    server.process.terminate()
    server.process.wait(timeout=15)
    ward.serve(workers=1)


# The portal


@story("portal")
def portal_database_old(ward):
    newest = ward.database("SELECT version_num FROM alembic_version").scalar_one()
    ward.database("UPDATE alembic_version SET version_num = 'earlier'")
    yield
    ward.database(f"UPDATE alembic_version SET version_num = '{newest}'")


story("portal", "waits")(portal_database_old)


@story("portal")
def portal_database_empty(ward):
    ward.more = {"PORTAL_DATABASE_URL": f"sqlite:///{ward.elements.folder.parent}/new.db"}
    yield
    with ward.make_portal(**ward.more).app_context():
        upgrade()


@story("portal")
def portal_database_down(ward):
    """What should be the file is a folder."""
    folder = ward.elements.folder.parent / "folder.db"
    folder.mkdir()
    ward.more = {"PORTAL_DATABASE_URL": f"sqlite:///{folder}"}
    yield
    ward.more = {}


@story("portal")
def portal_database_read_only(ward):
    path = ward.settings["PORTAL_DATABASE_URL"].removeprefix("sqlite:///")
    ward.more = {"PORTAL_DATABASE_URL": f"sqlite:///file:{path}?mode=ro&uri=true"}
    yield
    ward.more = {}


@story("portal")
def portal_database_full(ward):
    with mount_small_disk(ward.elements.folder.parent / "disk") as disk:
        shutil.copy(ward.settings["PORTAL_DATABASE_URL"].removeprefix("sqlite:///"), disk / "portal.db")
        ward.more = {"PORTAL_DATABASE_URL": f"sqlite:///{disk}/portal.db"}
        fill_disk(disk)
        yield
        (disk / "filler").unlink()
        yield


@story("portal")
def portal_address_local(ward):
    ward.more = {"PORTAL_ENV": "production"}
    yield
    ward.more["PORTAL_BASE_URL"] = "https://login.example.com"


@story("portal")
def portal_address_insecure(ward):
    ward.more = {"PORTAL_BASE_URL": "http://login.example.com"}
    yield
    ward.more = {"PORTAL_BASE_URL": "https://login.example.com"}


@story("portal")
def portal_proxy_unseen(ward):
    ward.forwarded = None
    yield
    ward.forwarded = []


@story("portal")
def portal_proxy_unexpected(ward):
    ward.forwarded = ["198.51.100.7"]
    yield
    ward.more = {"PORTAL_TRUSTED_PROXIES": "1"}


@story("portal")
def portal_proxy_missing(ward):
    ward.more = {"PORTAL_TRUSTED_PROXIES": "2"}
    ward.forwarded = ["198.51.100.7"]
    yield
    ward.forwarded = ["198.51.100.7", "10.0.0.1"]


@story("portal")
def portal_keys_lost(ward):
    ward.elements.feishu(keepUserTokens=True)
    ward.browser().sign_in(FEISHU)
    new = Fernet.generate_key().decode()
    ward.more = {"PORTAL_ENCRYPTION_KEYS": new}
    yield
    ward.more = {"PORTAL_ENCRYPTION_KEYS": f"{new},{ward.settings['PORTAL_ENCRYPTION_KEYS']}"}


@story("portal")
def portal_files_open(ward):
    file = Path(ward.settings["PORTAL_DATABASE_URL"].removeprefix("sqlite:///"))
    file.parent.chmod(0o755)
    file.chmod(0o644)
    yield
    file.parent.chmod(0o700)


@story("portal")
def portal_worker_missing(ward):
    yield
    with ward.make_portal().app_context():
        db.session.add(Worker(name="host-1", seen_at=now()))
        db.session.commit()


@story("portal")
def portal_usernames_alike(ward):
    with ward.make_portal().app_context():
        db.session.add_all([Account(username="admin"), Account(username="second")])
        db.session.flush()
        db.session.execute(
            update(Account).where(Account.username == "second").values(username="ADMIN", username_key=None)
        )
        db.session.commit()
    yield
    with ward.make_portal().app_context():
        db.session.scalars(select(Account).filter_by(username="ADMIN")).one().username = "root"
        db.session.commit()


# The promises


@pytest.mark.parametrize(("subject", "name"), STORIES, ids=str)
def test_a_finding_shows_and_is_gone_after_its_remedy(ward, subject, name):
    told = STORIES[subject, name](ward)
    next(told)
    assert name in ward.findings(subject)
    next(told, None)
    mended = ward.findings(subject)
    assert name not in mended and "broken" not in mended


def test_every_finding_has_its_story():
    own = {
        ("feishu", FeishuDoctor): COMMON,
        ("wecom", WecomDoctor): COMMON,
        ("element", Doctor): {},
        ("portal", Installation): {},
    }
    known = {
        (subject, name)
        for (subject, examination), common in own.items()
        for name, advice in examination.advice.items()
        if common.get(name) is not advice
    }
    assert known == set(STORIES)


def test_a_healthy_element_has_no_problem_and_no_warning(ward):
    ward.elements.feishu(tenantKeys=["5a4db0c5a4db0c01"])
    for subject in ("feishu", "wecom"):
        assert {each.state for each in ward.findings(subject).values()} <= {doctor.OK, doctor.SKIPPED}


def test_a_range_of_a_user_group_alone_is_not_empty(ward):
    ward.feishu(contact_range={"departments": [], "users": [], "groups": ["g1"]})
    found = ward.findings("feishu")
    assert "range_partial" in found and "range_empty" not in found


@pytest.mark.parametrize(
    ("subject", "path", "number"),
    [("feishu", "/open-apis/contact/v3/scopes", number) for number in FeishuDoctor.numbers]
    + [("wecom", "/cgi-bin/department/list", number) for number in WecomDoctor.numbers],
)
def test_each_known_number_of_a_platform_leads_to_its_finding(ward, subject, path, number):
    key = {"feishu": "code", "wecom": "errcode"}[subject]
    ward.sandbox.fail(path, count=2, body={key: number, "msg": "x"})  # twice: a refused token is asked for anew
    name = {"feishu": FeishuDoctor, "wecom": WecomDoctor}[subject].numbers[number]
    assert ward.findings(subject)[name].native == number


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("not allow to access from your ip, hint: [1], from ip: 203.0.113.7, more info at https://x", "203.0.113.7"),
        ("…, from ip: 2001:db8::7, more info", "2001:db8::7"),
        ("from ip: 203.0.113.700, more", "does not say"),
        ("from ip: <script>alert(1)</script>", "does not say"),
        ("from ip: 203.0.113.7<b>", "does not say"),
        ("denied", "does not say"),
        (None, "does not say"),
    ],
)
def test_the_address_wecom_reports_is_shown_if_it_is_one(ward, said, shown):
    ward.sandbox.fail("/cgi-bin/agent/get", body={"errcode": 60020, "errmsg": said})
    assert shown in ward.findings("wecom")["address"].cause


def test_nothing_is_sent_to_anybody(ward):
    for subject in ("feishu", "wecom"):
        ward.findings(subject)
    asked = {(call["method"], call["path"]) for call in ward.sandbox.calls()}
    assert {path for method, path in asked if method != "GET"} == {FEISHU_TOKEN}
    assert len(asked) == 10


def test_where_the_platform_is_down_it_is_asked_once(ward):
    ward.sandbox.fail("/cgi-bin/*", count=9, drop=True)
    found = ward.findings("wecom")
    assert len(ward.sandbox.calls()) == 1
    assert "waits" in found and found["unreachable"].cause.startswith(urlsplit(ward.sandbox.url).netloc)


def test_no_transaction_is_open_while_a_platform_is_asked(ward, portal):
    with portal.app_context():
        db.session.execute(db.text("SELECT 1"))
        element = portal.elements.instances[WECOM]
        seen = []
        element.doctor = lambda patient: Watching(patient, seen)
        doctor.examine(element)
        assert not db.session().in_transaction()  # nor is one after the looks into the database
    assert len(seen) == 4 and not any(seen)


class Watching(WecomDoctor):
    """Notes whether a transaction is open at each call."""

    def __init__(self, element, seen):
        super().__init__(element)
        self.seen = seen

    def ask(self, *args, **params):
        self.seen.append(db.session().in_transaction())
        return super().ask(*args, **params)


def test_a_token_that_was_renewed_is_the_one_used_from_then_on(ward, portal):
    with portal.app_context():
        entry = portal.elements.instances[WECOM].doctor(portal.elements.instances[WECOM])
        entry.ask("department/list", "department")
        ward.wecom(revoke_tokens=True)
        entry.ask("department/list", "department")
        ward.sandbox.forget_calls()
        entry.ask("department/list", "department")
    assert len(ward.sandbox.calls()) == 1


def test_a_failing_check_of_an_own_type_leaves_the_others(ward):
    checks = "        checks = {'mine': 'First', 'usable': 'Settings'}\n"
    ward.own(
        f"    class doctor(Meta.doctor):\n{checks}        def check_mine(self):\n            raise KeyError('x')\n"
    )
    with ward.make_portal().app_context() as context:
        found = doctor.examine(context.app.elements.instances[ward.element])
    assert [(each.check, each.name) for each in found] == [("mine", "own_code"), ("usable", "")]


def test_a_wrong_clock_is_a_problem_when_logins_break(ward):
    ward.sandbox.clock(120)
    assert ward.findings("wecom")["clock"].state == doctor.WARNING
    ward.sandbox.clock(480)
    assert ward.findings("wecom")["clock"].state == doctor.PROBLEM


def test_places_are_named_in_both_languages():
    places = [
        advice.place
        for examination in (FeishuDoctor, WecomDoctor)
        for advice in examination.advice.values()
        if advice.place
    ]
    assert len(places) > 20
    assert all(re.search("[\u4e00-\u9fff]", place.zh) and re.fullmatch("[A-Za-z'& .→-]+", place.en) for place in places)


@both_databases
def test_the_portal_itself_is_well(ward):
    with ward.make_portal().app_context():
        db.session.add(Worker(name="host-1", seen_at=now()))
        db.session.commit()
    assert list(ward.findings("portal")) == [""]


# The command


def run(portal, *names):
    return portal.test_cli_runner().invoke(args=["doctor", *names])


def test_the_command_examines_all_or_the_named_ones_and_tells_by_its_exit(ward, portal):
    done = run(portal)
    assert done.exit_code == 0, done.output
    assert FEISHU in done.output and WECOM in done.output and "✓ ok" in done.output
    for name in (WECOM, f"auths.loginTypes.{WECOM}"):
        done = run(portal, name)
        assert done.exit_code == 0 and FEISHU not in done.output and WECOM in done.output


def test_the_command_names_cause_place_and_remedy(ward, portal):
    ward.wecom(trusted_ip=False)
    done = run(portal, WECOM)
    assert done.exit_code == 1
    assert "✗ problem" in done.output and "60020" in done.output and "203.0.113.7" in done.output
    assert "企业可信IP" in done.output and "Trusted IP" in done.output and "about a minute" in done.output


def test_what_the_command_did_not_look_at_is_one_line_an_element(ward):
    ward.elements.feishu(appSecret="old")
    ward.elements.wecom(corpSecret="old")
    output = run(ward.make_portal()).output
    lines = [line for line in output.splitlines() if "Not checked" in line]
    assert len(lines) == 2
    assert "Not checked until that is solved: 6 (This server's address, Permission to read contacts," in lines[0]


def test_an_unknown_element_is_an_error_that_names_the_known(ward, portal):
    done = run(portal, "Nobody")
    assert done.exit_code == 2
    assert "Nobody" in done.output and FEISHU in done.output


def test_a_broken_element_is_a_problem_that_names_file_and_key(ward):
    ward.elements.feishu(appId="")
    done = run(ward.make_portal(), FEISHU)
    assert done.exit_code == 1
    assert f"auths/loginTypes/{FEISHU}/{FEISHU}.json: appId" in done.output


def test_without_a_database_the_elements_wait(ward, tmp_path):
    done = run(ward.make_portal(PORTAL_DATABASE_URL=f"sqlite:///{tmp_path}/new.db"))
    assert done.exit_code == 1
    assert done.output.count("✗ problem") == 1 and "flask db upgrade" in done.output
    assert "own code" not in done.output
