"""What people meet on pages is checked at the start: the logo, whom to ask, and where a sign-in leads."""

import struct
import zlib

import pytest

import config

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
HOME_ADVICE = "PORTAL_HOME_URL must be a path here, such as /account, or an address such as https://"


def make_png():
    """Return a picture of one dot."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\1\2\3")),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def load(folder, **settings):
    return config.load({"PORTAL_APP_DIR": str(folder), **settings}, folder / "instance")


def refuse(folder, **settings):
    with pytest.raises(config.BadSettings) as error:
        load(folder, **settings)
    return str(error.value)


@pytest.mark.parametrize(("content", "mimetype"), [(SVG, "image/svg+xml"), (make_png(), "image/png")])
def test_a_logo_is_known_by_its_content(tmp_path, content, mimetype):
    (tmp_path / "logo.bin").write_bytes(content)
    for path in ("logo.bin", str(tmp_path / "logo.bin")):
        logo = load(tmp_path, PORTAL_LOGO=path)["PORTAL_LOGO"]
        assert (logo.content, logo.mimetype) == (content, mimetype)


def test_a_logo_may_have_64_kilobytes_and_no_more(tmp_path):
    padding = (64 * 1024 - len(SVG)) * b" "
    (tmp_path / "logo.svg").write_bytes(SVG + padding)
    assert load(tmp_path, PORTAL_LOGO="logo.svg")["PORTAL_LOGO"].mimetype == "image/svg+xml"
    (tmp_path / "logo.svg").write_bytes(SVG + padding + b" ")
    assert refuse(tmp_path, PORTAL_LOGO="logo.svg").startswith(
        "PORTAL_LOGO must be an SVG or PNG file of at most 64 KB"
    )


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"GIF89a", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"<svg></svg>", b"<html></html>"),
        *(SVG.replace(b"</svg>", b""), b"<!doctype html>" + SVG, SVG.replace(b"2000/svg", b"1999/xhtml")),
        b'<?xml version="1.0" encoding="no-such"?>' + SVG[21:],
    ],
)
def test_a_logo_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "logo.svg").write_bytes(content)
    assert refuse(tmp_path, PORTAL_LOGO="logo.svg").startswith("PORTAL_LOGO must be an SVG or PNG file")


@pytest.mark.parametrize("path", ["nothing.svg", "."])
def test_a_logo_that_can_not_be_read_is_refused(tmp_path, path):
    assert refuse(tmp_path, PORTAL_LOGO=path).startswith("PORTAL_LOGO can't be read from ")


@pytest.mark.parametrize(
    ("value", "link"),
    [
        ("IT 服务台，分机 8888", None),
        ("it@example.com", "mailto:it@example.com"),
        ("https://help.example.com/ask?about=login", "https://help.example.com/ask?about=login"),
        ("javascript:alert(1)", None),
        ("it@example.com?cc=all@example.com", None),
    ],
)
def test_a_contact_is_a_line_or_leads_somewhere(tmp_path, value, link):
    contact = load(tmp_path, PORTAL_CONTACT=value)["PORTAL_CONTACT"]
    assert (contact.words, contact.link) == (value, link)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("a\nb", "must be one line without control characters"),
        ("a\x1b[0m", "must be one line without control characters"),
        ("a\u202eb", "must be one line without control characters"),
        (201 * "x", "must have at most 200 characters"),
        (
            "http://help.example.com/",
            "must be a line of text, an e-mail address, or an address that begins with https://",
        ),
        ("https://user:key@help.example.com/", "must be a line of text, an e-mail address, or an address that begins"),
        ("https://help.example.com/ two", "must be a line of text, an e-mail address, or an address that begins"),
    ],
)
def test_a_contact_that_could_mislead_is_refused(tmp_path, value, why):
    assert refuse(tmp_path, PORTAL_CONTACT=value).startswith(f"PORTAL_CONTACT {why}")


@pytest.mark.parametrize(
    "value",
    [
        *("/account", "/admin/bindings?status=conflict#top", "https://work.example.com", "https://work.example.com/"),
        *("https://work.example.com:8443/a?b=c#d", "https://127.0.0.1:9000/x", "/a%20b", "/logins"),
    ],
)
def test_a_home_is_a_path_here_or_a_https_address(tmp_path, value):
    assert load(tmp_path, PORTAL_HOME_URL=value)["PORTAL_HOME_URL"] == value


@pytest.mark.parametrize(
    "value",
    [
        *(
            "http://work.example.com/",
            "//work.example.com/",
            "///x",
            "javascript:alert(1)",
            "work.example.com",
            "account",
        ),
        *("https:work.example.com", "https:///x", "https://", "https://user@work.example.com/", "https://@x.example/"),
        *("https://u:p@work.example.com/", "https://work.example.com\\@evil.example/", "/\\evil.example", "/a//b"),
        *("/%2f/evil.example", "/%252f%255cevil.example", "/%5cevil.example", "/a\tb", "/a b", "/a\nb", "/主页"),
        *("https://work.example.com/a b", "https://work.example.com:0/", "https://work.example.com:99999/"),
        *("https://a_b.example.com/", "HTTPS://work.example.com/", "/" + 2000 * "a", "data:text/html,x", "/%00"),
    ],
)
def test_another_home_is_refused(tmp_path, value):
    assert refuse(tmp_path, PORTAL_HOME_URL=value).startswith(HOME_ADVICE)


@pytest.mark.parametrize("value", ["/", "/login", "/login?next=/account", "/login/Feishu", "/%6cogin", "/#x", "/?a=b"])
def test_a_home_does_not_lead_to_itself(tmp_path, value):
    base = "https://login.example.com"
    for home in (value, base + value):
        message = refuse(tmp_path, PORTAL_HOME_URL=home, PORTAL_BASE_URL=base)
        assert message.startswith("PORTAL_HOME_URL must not be the start page or a login page")
