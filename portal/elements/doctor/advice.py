"""What may be wrong with any element, whatever its platform."""

from flask_babel import lazy_gettext as _

from portal.elements.doctor.examination import PROBLEM, SKIPPED, WAITS, WARNING, Advice, Place

COMMON = {
    "waits": WAITS,
    "broken": Advice(
        PROBLEM,
        _("The settings can't be used: %(reason)s"),
        _("Correct this key in the file, or set the variable that it names. Then restart the portal."),
    ),
    "off": Advice(
        SKIPPED,
        _("This login is switched off."),
        _('To use it, set "isActive" to true in %(file)s and restart the portal.'),
    ),
    "own_type": Advice(
        SKIPPED,
        _("This Type is your own. The portal does not know what its platform needs."),
        _("Write a doctor for the Type, or try to sign in."),
    ),
    "own_code": Advice(
        PROBLEM,
        _("The Type's own code failed: %(error)s."),
        _("See the portal's log for the details."),
    ),
    "unreachable": Advice(
        PROBLEM,
        _("%(host)s does not answer, or its answer makes no sense."),
        _(
            "Check that this server reaches that host: name service, firewall, proxy. "
            "If it does, the platform itself is in trouble. Try again later."
        ),
    ),
    "certificate_untrusted": Advice(
        PROBLEM,
        _("%(host)s can't be used: its certificate is not trusted."),
        _(
            "If your company issued the certificate, or a proxy on the way replaces it, set REQUESTS_CA_BUNDLE or "
            "SSL_CERT_FILE to the file of that certificate authority, and restart the portal."
        ),
    ),
    "certificate_expired": Advice(
        PROBLEM,
        _("%(host)s can't be used: its certificate has expired or is not valid yet."),
        _("Check this server's clock. If it is right, the certificate must be renewed."),
    ),
    "certificate_host": Advice(
        PROBLEM,
        _("%(host)s can't be used: its certificate is for another host."),
        _("Check the address in the element's file, and check that no proxy on the way answers instead."),
    ),
    "authorities": Advice(
        PROBLEM,
        _("The file of certificate authorities can't be read."),
        _("Check the file that REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE names, and restart the portal."),
    ),
    "tls": Advice(
        PROBLEM,
        _("No encrypted connection to %(host)s can be made."),
        _("Check the address and port in the element's file. The server there must support TLS 1.2 or 1.3."),
    ),
    "proxy": Advice(
        PROBLEM,
        _("The proxy in httpProxy does not answer, or does not forward calls to %(host)s."),
        _("Check httpProxy in the element's file, and check that the proxy allows this host."),
    ),
    "busy": Advice(
        WARNING,
        _("The platform is busy, or its limit of calls is reached."),
        _("Wait a minute, then check again."),
    ),
    "token_refused": Advice(
        PROBLEM,
        _("The platform refuses the token it has just issued."),
        _(
            "Check again in a minute. If it happens again, check that no other program resets the app's secret or "
            "tokens."
        ),
    ),
    "refused": Advice(
        PROBLEM,
        _("The platform refused the call with an unknown number."),
        _("Look the number up in the platform's documentation."),
    ),
    "clock": Advice(
        WARNING,
        _("This server's clock and the platform's differ by %(seconds)s seconds."),
        _("Synchronise the server's clock with a time server (NTP)."),
    ),
    "clock_unknown": Advice(
        SKIPPED,
        _("The platform's answers do not contain the time."),
        _("Check this server's clock yourself."),
    ),
}


def advise_on_addresses(redirect: Place, home: Place) -> dict[str, Advice]:
    """Return the advice on addresses that only a sign-in proves.

    :param redirect: the place of the redirect address in the platform's console.
    :param home: the place of the app's home page there.
    """
    return {
        "redirect_unproven": Advice(
            SKIPPED,
            _("The portal can't read this, and there has been no sign-in with a browser yet."),
            _("Check that the address in the console is exactly %(address)s. Then sign in once."),
            redirect,
        ),
        "redirect_refused": Advice(
            PROBLEM,
            _("The platform refused the redirect address at a recent sign-in."),
            _("Check that the address in the console is exactly %(address)s. Then sign in once."),
            redirect,
        ),
        "home_unproven": Advice(
            SKIPPED,
            _("The portal can't read this, and there has been no sign-in from the workspace yet."),
            _("Check that the address in the console is %(address)s. Then open the app in the workspace."),
            home,
        ),
    }
