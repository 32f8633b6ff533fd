"""The house's own authority for signed PDFs: a root, and certificates for the keys that sign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from portal.core import clock, flags, signing
from portal.core.catalogue import brand
from portal.core.signing import KeyUse, SigningKey

DOCUMENTS = ObjectIdentifier("1.3.6.1.5.5.7.3.36")


def _name(role: str) -> x509.Name:
    house = brand().legal.get("name_en") or brand().name
    worthless = "DEMO, no value – " if flags.demo() else ""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{worthless}{house}"[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{worthless}{role}"[:64]),
        ]
    )


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=not ca, key_cert_sign=ca, crl_sign=ca, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _base(row: SigningKey, subject: x509.Name, issuer: x509.Name) -> x509.CertificateBuilder:
    public = serialization.load_pem_public_key(row.public_pem.encode())
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError("certificates are made for keys on P-256")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_whole(row.start) - timedelta(minutes=1))
        .not_valid_after(_whole(row.end) - timedelta(seconds=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _curve(row: SigningKey) -> ec.EllipticCurvePrivateKey:
    secret = signing.private(row)
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        raise TypeError("certificates are made by keys on P-256")
    return secret


def root(*, by: str, second: str) -> SigningKey:
    """Return the root key with its certificate, made at the first asking."""
    row = signing.current(KeyUse.ROOT)
    if row is None:
        row = signing.create(KeyUse.ROOT, by=by, second=second)
        secret, name = _curve(row), _name("Root of certificates")
        made = _base(row, name, name).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        made = made.add_extension(_usage(ca=True), critical=True)
        row.certificate_pem = _text(made.sign(secret, hashes.SHA256()))
    return row


def _text(made: x509.Certificate) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()


def certify(row: SigningKey, *, by: str, second: str) -> None:
    """Give a signing key its certificate, which ends with the key's own days."""
    top = root(by=by, second=second)
    above = x509.load_pem_x509_certificate(top.certificate_pem.encode())
    row.end = min(row.end, top.end)
    ends = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENTS])
    ski = above.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    made = (
        _base(row, _name("Certificates"), above.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(ends, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), critical=False)
    )
    row.certificate_pem = _text(made.sign(_curve(top), hashes.SHA256()))


def make(use: KeyUse, *, by: str, second: str) -> SigningKey:
    """Make a key of a use, with its certificate where it signs PDFs."""
    row = root(by=by, second=second) if use is KeyUse.ROOT else signing.create(use, by=by, second=second)
    if use is KeyUse.PDF:
        certify(row, by=by, second=second)
    return row


def fingerprint(row: SigningKey) -> str:
    """Return the SHA-256 of a key's certificate, or of its public part, as people compare it."""
    if row.certificate_pem:
        made = x509.load_pem_x509_certificate(row.certificate_pem.encode())
        plain = made.fingerprint(hashes.SHA256())
    else:
        public = serialization.load_pem_public_key(row.public_pem.encode())
        digest = hashes.Hash(hashes.SHA256())
        digest.update(
            public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        plain = digest.finalize()
    return ":".join(f"{byte:02X}" for byte in plain)


def valid_now(row: SigningKey) -> bool:
    """Whether a key signs at this moment."""
    return row.signs(clock.now())
