"""What passkeys need of the webauthn library, which is heavy and imported where it is used."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class NotAccepted(Exception):
    """What the browser sent does not prove what it should."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new credential: its id as the browser names it, the public key in hex, the first count."""

    credential_id: str
    public_key: str
    sign_count: int


def _library() -> Any:
    import webauthn  # noqa: PLC0415 - heavy

    return webauthn


def _structs() -> Any:
    from webauthn.helpers import structs  # noqa: PLC0415 - heavy

    return structs


def encoded(raw: bytes) -> str:
    """Return bytes as base64url text."""
    return str(_library().helpers.bytes_to_base64url(raw))


def _described(ids: Iterable[str]) -> list[Any]:
    decode = _library().helpers.base64url_to_bytes
    return [_structs().PublicKeyCredentialDescriptor(id=decode(one)) for one in ids]


def offer(*, host: str, brand: str, uid: str, email: str, name: str, known: Iterable[str]) -> tuple[str, str]:
    """Return what the browser needs to make a passkey, as JSON, and its challenge."""
    s = _structs()
    options = _library().generate_registration_options(
        rp_id=host, rp_name=brand, user_id=uid.encode(), user_name=email, user_display_name=name,
        exclude_credentials=_described(known),
        authenticator_selection=s.AuthenticatorSelectionCriteria(
            resident_key=s.ResidentKeyRequirement.PREFERRED,
            user_verification=s.UserVerificationRequirement.REQUIRED,
        ),
    )  # fmt: skip
    return str(_library().options_to_json(options)), encoded(options.challenge)


def question(*, host: str, known: Iterable[str]) -> tuple[str, str]:
    """Return what the browser needs to use a passkey, as JSON, and its challenge."""
    options = _library().generate_authentication_options(
        rp_id=host,
        allow_credentials=_described(known),
        user_verification=_structs().UserVerificationRequirement.REQUIRED,
    )
    return str(_library().options_to_json(options)), encoded(options.challenge)


def _checked(verify: Any, credential: dict[str, Any], challenge: str, **more: Any) -> Any:
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415 - heavy

    try:
        return verify(
            credential=json.dumps(credential),
            expected_challenge=_library().helpers.base64url_to_bytes(challenge),
            require_user_verification=True,
            **more,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAccepted from error


def taken(credential: dict[str, Any], challenge: str, *, host: str, origins: list[str]) -> Made:
    """Return the credential a browser made, or raise `NotAccepted`."""
    made = _checked(
        _library().verify_registration_response, credential, challenge,
        expected_rp_id=host, expected_origin=origins,
    )  # fmt: skip
    return Made(encoded(made.credential_id), made.credential_public_key.hex(), int(made.sign_count))


def used(
    credential: dict[str, Any], challenge: str, *, host: str, origins: list[str], public_key: str, count: int
) -> int:
    """Return the new count of a passkey that was used, or raise `NotAccepted`."""
    seen = _checked(
        _library().verify_authentication_response, credential, challenge,
        expected_rp_id=host, expected_origin=origins,
        credential_public_key=bytes.fromhex(public_key), credential_current_sign_count=count,
    )  # fmt: skip
    return int(seen.new_sign_count)
