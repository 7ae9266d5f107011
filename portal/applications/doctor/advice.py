"""What may be wrong between a host and the gate."""

from flask_babel import lazy_gettext as _

from portal.elements.doctor.advice import COMMON
from portal.elements.doctor.examination import PROBLEM, SKIPPED, WAITS, WARNING, Advice

COPY = _("Copy the snippet for your proxy anew from this application's page, and reload the proxy.")

SILENT = {
    "name": Advice(
        PROBLEM,
        _("The name of %(host)s is not known to this server."),
        _("Add the name to the name service that this server uses, or correct the application's hosts."),
    ),
    "refused": Advice(
        PROBLEM,
        _("%(host)s does not accept the connection, or breaks it off."),
        _("Check that the proxy runs and listens there, and that no firewall is in between."),
    ),
    "timeout": Advice(
        PROBLEM,
        _("%(host)s does not answer within 5 seconds."),
        _("Check that this server reaches that host, and that the proxy reaches the portal and the application."),
    ),
    "certificate_untrusted": Advice(
        PROBLEM,
        _("The certificate of %(host)s is not trusted."),
        _(
            "Use a certificate that browsers trust. If your company issued it, set REQUESTS_CA_BUNDLE or SSL_CERT_FILE "
            "to the file of its certificate authority, and restart the portal."
        ),
    ),
    "certificate_expired": Advice(
        PROBLEM,
        _("The certificate of %(host)s has expired or is not valid yet."),
        _("Renew the certificate. If it is valid, check this server's clock."),
    ),
    "certificate_host": Advice(
        PROBLEM,
        _("The certificate of %(host)s is for another host."),
        _("Give the proxy a certificate for this host. Check that the name leads to the right machine."),
    ),
    "authorities": COMMON["authorities"],
    "tls": Advice(
        PROBLEM,
        _("No encrypted connection to %(host)s can be made."),
        _("Check that the proxy speaks https at this port. It must support TLS 1.2 or 1.3."),
    ),
}

AT_THE_GATE = {
    "open": Advice(
        PROBLEM,
        _("It answers without a sign-in (status %(status)s). The application is open to everybody."),
        _("Put the snippet for your proxy into its configuration and reload it. No address may lead past it."),
    ),
    "other_gate": Advice(
        PROBLEM,
        _("The proxy asks for another application: %(other)s."),
        COPY,
    ),
    "unknown": Advice(
        PROBLEM,
        _("The portal refuses the proxy: it names an application that is not here or is switched off."),
        COPY,
    ),
    "incomplete": Advice(
        PROBLEM,
        _("The portal refuses the proxy: it does not send %(header)s."),
        COPY,
    ),
    "other_host": Advice(
        PROBLEM,
        _("The portal refuses the proxy: it asks for %(asked)s, which is not among the application's hosts."),
        _("Add this host to the application, or correct the proxy: it must hand on the host that browsers ask for."),
    ),
    "fault": Advice(
        PROBLEM,
        _("The proxy answers with a fault (status %(status)s)."),
        _("Check that the proxy reaches the portal: its address in the snippet, firewall, the proxy's log."),
    ),
    "insecure": Advice(
        PROBLEM,
        _("It redirects from https to plain http: %(address)s"),
        _("Remove this redirect from the proxy. Sign-ins could be read on the way."),
    ),
    "elsewhere": Advice(
        PROBLEM,
        _("It redirects to %(address)s instead of the portal's sign-in."),
        _("Ask the gate before all other rules of the proxy. If people use the other address, register that one."),
    ),
    "other_answer": Advice(
        PROBLEM,
        _("Something else answers, with status %(status)s: not the gate."),
        _("Check that the name leads to the proxy, and that the proxy asks the gate before all its other rules."),
    ),
    "not_led": Advice(
        WARNING,
        _("People are not led to the sign-in: a page is answered with status 401."),
        COPY,
    ),
    "script_led": Advice(
        WARNING,
        _("Scripts are redirected to the sign-in. They fail there without saying why."),
        _("The proxy must hand Accept, X-Requested-With and Sec-Fetch-… on to the gate. Copy its snippet anew."),
    ),
    "pages_missing": Advice(
        PROBLEM,
        _("Addresses below %(path)s do not lead to the portal (status %(status)s). No sign-in can come back."),
        _("Pass start, enter and sign-out below this path to the portal without asking the gate, as the snippet does."),
    ),
    "pages_host": Advice(
        PROBLEM,
        _("Addresses below %(path)s lead to the portal under another host."),
        _("The proxy must keep the header Host for this path, as the snippet does."),
    ),
}

FORGED = {
    "let_in": Advice(
        PROBLEM,
        _("With made-up headers the application answers without a sign-in (status %(status)s)."),
        _("Remove every rule that lets requests past the gate because of a header. Then copy the snippet anew."),
    ),
    "noted": Advice(
        PROBLEM,
        _("The gate was sent a visitor's own %(header)s. The proxy does not clear it before it asks."),
        _("Copy the snippet for your proxy anew and reload the proxy. Check again after a minute."),
    ),
    "arrives": Advice(
        PROBLEM,
        _("A visitor's own %(header)s reaches the application. People can pass as others."),
        _("Copy the snippet for your proxy anew: it removes these headers before the gate's are set."),
    ),
}

SIGNED_IN = {
    "in_browser": Advice(
        SKIPPED,
        _("Not checked, because a command has no sign-in."),
        _("Open the application's page in the browser and press \u201cCheck the proxy\u201d."),
    ),
    "may_not_enter": Advice(
        SKIPPED,
        _("Not checked, because you may not enter this application. You are in none of: %(groups)s."),
        _("Ask an administrator who may enter to check, or join one of the groups for a while."),
    ),
    "not_let_in": Advice(
        PROBLEM,
        _("A working sign-in is not accepted (status %(status)s)."),
        _("The proxy must hand the header Cookie on to the gate. Copy its snippet anew."),
    ),
    "application_fault": Advice(
        WARNING,
        _("The gate let the request pass. The application answers with a fault (status %(status)s)."),
        _("Check that the application runs, and that the proxy has its right address."),
    ),
}

ADVICE = {"waits": WAITS, **SILENT, **AT_THE_GATE, **FORGED, **SIGNED_IN}
