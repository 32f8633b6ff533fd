"""Signs a certificate's PDF (PAdES, certifying, no changes allowed) and looks whether the signature covers all of it."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization

from portal.core import signing
from portal.core.signing import KeyUse, Pen

RESERVED = 8192


class Unsound(RuntimeError):
    """The signed file is not what it should be; it is not stored."""


def _der(pem: str) -> bytes:
    from cryptography import x509  # noqa: PLC0415 - heavy

    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)


def _signer(key: Pen, root_pem: str) -> Any:
    from asn1crypto import keys, x509  # noqa: PLC0415 - heavy
    from pyhanko.sign import signers  # noqa: PLC0415 - heavy
    from pyhanko_certvalidator.registry import CertificateRegistry  # noqa: PLC0415 - heavy

    plain = key.secret.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    known = CertificateRegistry()
    known.register(x509.Certificate.load(_der(root_pem)))
    return signers.SimpleSigner(
        signing_cert=x509.Certificate.load(_der(key.certificate_pem)),
        signing_key=keys.PrivateKeyInfo.load(plain),
        cert_registry=known,
    )


def keys() -> tuple[Pen, str]:
    """Return the key that signs PDFs today, and its root's certificate; `NoKey` if there is none."""
    return signing.pen(KeyUse.PDF), signing.active(KeyUse.ROOT).certificate_pem


def seal(data: bytes, pair: tuple[Pen, str], *, name: str, reason: str) -> bytes:
    """Return a PDF with the house's signature over the whole of it."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415 - heavy
    from pyhanko.sign import fields, signers  # noqa: PLC0415 - heavy

    about = signers.PdfSignatureMetadata(
        field_name="Signature", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES, certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES, name=name, reason=reason,
    )  # fmt: skip
    out = io.BytesIO()
    signer = signers.PdfSigner(about, signer=_signer(*pair))
    signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data)), bytes_reserved=RESERVED, output=out)
    return out.getvalue()


def check(data: bytes, root_pem: str, *, at: datetime) -> None:
    """Raise `Unsound` unless a PDF's signature is intact, by our root, good at a moment, and covers the whole file."""
    from asn1crypto import x509  # noqa: PLC0415 - heavy
    from pyhanko.pdf_utils.misc import PdfError  # noqa: PLC0415 - heavy
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 - heavy
    from pyhanko.sign.general import SigningError  # noqa: PLC0415 - heavy
    from pyhanko.sign.validation import validate_pdf_signature  # noqa: PLC0415 - heavy
    from pyhanko.sign.validation.errors import SignatureValidationError  # noqa: PLC0415 - heavy
    from pyhanko.sign.validation.status import SignatureCoverageLevel  # noqa: PLC0415 - heavy
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415 - heavy

    trust = ValidationContext(
        trust_roots=[x509.Certificate.load(_der(root_pem))], moment=at, allow_fetching=False
    )
    try:
        found = PdfFileReader(io.BytesIO(data)).embedded_signatures
        if len(found) != 1:
            raise Unsound(f"{len(found)} signatures where one is expected")
        state = validate_pdf_signature(found[0], trust)
    except (PdfError, SigningError, SignatureValidationError, ValueError) as error:
        raise Unsound(f"the signature cannot be read: {error}") from error
    whole = state.coverage is SignatureCoverageLevel.ENTIRE_FILE
    if not (state.intact and state.valid and state.trusted and whole):
        raise Unsound(f"intact {state.intact}, trusted {state.trusted}, whole file {whole}")
