"""A private certificate authority and an https front."""

import datetime
import ipaddress
import socket
import ssl
import threading
from contextlib import contextmanager, suppress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM


class Authority:
    """A private certificate authority.

    `file` is the certificate to trust.
    """

    def __init__(self, folder):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Example company")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        own = self.begin(self.name, self.key.public_key())
        own = own.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self.sign(own).public_bytes(PEM))

    def begin(self, name, key, days=1):
        """Return the beginning of a certificate.

        :param days: until its end, may be negative.
        """
        today = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self.name, name, key, x509.random_serial_number())
        builder = builder.not_valid_before(today - 9 * DAY).not_valid_after(today + days * DAY)
        subject = x509.SubjectKeyIdentifier.from_public_key(key), False
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
        return builder.add_extension(*subject).add_extension(*issuer)

    def sign(self, builder):
        return builder.sign(self.key, hashes.SHA256())

    def certify(self, address="127.0.0.1", days=1):
        """Return the file of a certificate with its key.

        :param address: the network address it is for.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self.begin(x509.Name([]), key.public_key(), days)
        hosts = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = self.sign(builder.add_extension(hosts, True))
        file = self.folder / f"{address}{days}.pem"
        form, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file.write_bytes(certificate.public_bytes(PEM) + key.private_bytes(PEM, form, secret))
        return file


@contextmanager
def serve_https(target, certificate=None):
    """Run an https server in front of a port.

    It yields the address and passes connections on. Without a certificate it does not speak TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, args=(server, context if certificate else None, target), daemon=True)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def accept(server, context, target):
    with suppress(OSError):
        while True:
            threading.Thread(target=serve, args=(server.accept()[0], context, target), daemon=True).start()


def serve(connection, context, target):
    with suppress(OSError), connection:
        if context is None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            return
        with context.wrap_socket(connection, server_side=True) as front:
            with socket.create_connection(("127.0.0.1", target)) as back:
                relay(front, back)


def relay(one, other):
    """Pass on the data of both sides until one ends."""
    thread = threading.Thread(target=pump, args=(other, one), daemon=True)
    thread.start()
    pump(one, other)
    thread.join()


def pump(source, sink):
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
