"""Signatures in the format of ``ssh-keygen -Y sign`` (SSHSIG), read and checked with ``cryptography``.

What belongs here: the bytes of a signature and of a public key, and whether one is of the other. What does not: whose key it is
(``signers``), and making signatures (``making``). No program is needed, so that anyone can verify anywhere. The format is OpenSSH's
PROTOCOL.sshsig; of keys in hardware (sk-), PROTOCOL.u2f.
"""

import base64
import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tasks.errors import SigningError

NAMESPACE = "windtunnel"
"""What a signature is for: one that somebody made for Git or for a file is none of ours."""
_MAGIC = b"SSHSIG"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_DIGESTS = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_CURVES: dict[bytes, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    b"nistp256": (ec.SECP256R1(), hashes.SHA256()),
    b"nistp384": (ec.SECP384R1(), hashes.SHA384()),
    b"nistp521": (ec.SECP521R1(), hashes.SHA512()),
}
_RSA_BITS = 2048
_USER_PRESENT = 1


@dataclass(frozen=True)
class Sshsig:
    """A signature as it lies in its armor: the key that made it, what for, and the bytes."""

    public_key: bytes
    namespace: str
    digest: str
    signature: bytes
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, as ``ssh-keygen -l`` prints it."""
        return fingerprint(self.public_key)


def fingerprint(public_key: bytes) -> str:
    """``SHA256:...`` of a public key's blob, as ``ssh-keygen -l`` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public_key).digest()).decode().rstrip("=")


def read_armored(armored: str) -> Sshsig:
    """The signature between the two lines of its armor. Raises :class:`~tasks.errors.SigningError`."""
    lines = armored.strip().splitlines()
    if len(lines) < 3 or lines[0].strip() != _BEGIN or lines[-1].strip() != _END:
        raise refused("no SSH signature, or one that was cut off")
    try:
        return read_blob(base64.b64decode("".join(line.strip() for line in lines[1:-1]), validate=True))
    except ValueError:  # also of letters outside ASCII, which is no binascii.Error
        raise refused("an SSH signature whose armor cannot be read") from None


def armor(blob: bytes) -> str:
    """``blob`` as ``ssh-keygen`` writes it: base64 in lines of 70 characters between two lines that name it."""
    text = base64.b64encode(blob).decode()
    return "\n".join([_BEGIN, *(text[at : at + 70] for at in range(0, len(text), 70)), _END]) + "\n"


def read_blob(blob: bytes) -> Sshsig:
    """The signature that the bytes hold. Raises :class:`~tasks.errors.SigningError` where they hold none."""
    try:
        if not blob.startswith(_MAGIC) or struct.unpack(">I", blob[6:10]) != (1,):
            raise refused("bytes that are no SSH signature of version 1")
        public_key, namespace, _reserved, digest, signature = _strings(blob[10:], 5)
        return Sshsig(public_key, namespace.decode(), digest.decode(), signature, blob)
    except (struct.error, UnicodeDecodeError, ValueError):
        raise refused("an SSH signature that was cut off or changed") from None


def require_signature(found: Sshsig, content: bytes) -> None:
    """Refuse a signature that its key has not made over ``content`` for :data:`NAMESPACE`.

    Raises :class:`~tasks.errors.SigningError`.
    """
    if found.namespace != NAMESPACE:
        raise refused(
            f"a signature made for {found.namespace!r}", f"one made for {NAMESPACE!r} (ssh-keygen -Y sign -n {NAMESPACE})"
        )
    if found.digest not in _DIGESTS:
        raise refused(f"a signature over the digest {found.digest!r}", "sha512 or sha256")
    digest = _DIGESTS[found.digest](content).digest()
    signed = _MAGIC + b"".join(_string(part) for part in (found.namespace.encode(), b"", found.digest.encode(), digest))
    try:
        _verifier(found.public_key)(found.signature, signed)
    except InvalidSignature:
        raise refused("a signature of something else, or one that was changed", "a signature of these very bytes") from None
    except (struct.error, ValueError, KeyError):
        raise refused("a signature or key that cannot be read", "an Ed25519, ECDSA, RSA or security key of OpenSSH") from None


def _verifier(public_key: bytes) -> Callable[[bytes, bytes], None]:
    """The check of a signature by this key; it raises ``InvalidSignature``."""
    [kind] = _strings(public_key, 1, is_whole=False)
    makers: dict[bytes, Callable[[bytes, bytes], Callable[[bytes, bytes], None]]] = {
        b"ssh-ed25519": _ed25519,
        b"ssh-rsa": _rsa,
        b"sk-ssh-ed25519@openssh.com": _sk_ed25519,
        b"sk-ecdsa-sha2-nistp256@openssh.com": _sk_ecdsa,
        **{b"ecdsa-sha2-" + curve: _ecdsa for curve in _CURVES},
    }
    return makers[kind](kind, public_key)


def _ed25519(kind: bytes, public_key: bytes) -> Callable[[bytes, bytes], None]:
    key = ed25519.Ed25519PublicKey.from_public_bytes(_strings(public_key, 2)[1])
    return lambda signature, signed: key.verify(_of_kind(signature, kind), signed)


def _rsa(_kind: bytes, public_key: bytes) -> Callable[[bytes, bytes], None]:
    _, exponent, modulus = _strings(public_key, 3)
    key = rsa.RSAPublicNumbers(int.from_bytes(exponent), int.from_bytes(modulus)).public_key()
    if key.key_size < _RSA_BITS:
        raise ValueError("too short")
    digests: dict[bytes, hashes.HashAlgorithm] = {b"rsa-sha2-256": hashes.SHA256(), b"rsa-sha2-512": hashes.SHA512()}

    def verify(signature: bytes, signed: bytes) -> None:
        kind, value = _strings(signature, 2)
        key.verify(value, signed, padding.PKCS1v15(), digests[kind])

    return verify


def _ecdsa(kind: bytes, public_key: bytes) -> Callable[[bytes, bytes], None]:
    _, curve, point = _strings(public_key, 3)
    key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve][0], point)
    return lambda signature, signed: key.verify(_der(_of_kind(signature, kind)), signed, ec.ECDSA(_CURVES[curve][1]))


def _sk_ed25519(kind: bytes, public_key: bytes) -> Callable[[bytes, bytes], None]:
    _, raw, application = _strings(public_key, 3)
    key = ed25519.Ed25519PublicKey.from_public_bytes(raw)

    def verify(signature: bytes, signed: bytes) -> None:
        value, told = _in_hardware(signature, kind, application, signed)
        key.verify(value, told)

    return verify


def _sk_ecdsa(kind: bytes, public_key: bytes) -> Callable[[bytes, bytes], None]:
    _, curve, point, application = _strings(public_key, 4)
    key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve][0], point)

    def verify(signature: bytes, signed: bytes) -> None:
        value, told = _in_hardware(signature, kind, application, signed)
        key.verify(_der(value), told, ec.ECDSA(hashes.SHA256()))

    return verify


def _of_kind(signature: bytes, kind: bytes) -> bytes:
    found, value = _strings(signature, 2)
    if found != kind:
        raise ValueError("a signature of another kind of key")
    return value


def _in_hardware(signature: bytes, kind: bytes, application: bytes, signed: bytes) -> tuple[bytes, bytes]:
    """The raw signature of a security key, and the bytes that it signed.

    An untouched key may have been used by whoever has the machine. sshd refuses that; ``ssh-keygen -Y verify`` does not look.
    """
    found, value = _strings(signature[:-5], 2)
    flags, counter = signature[-5:-4], signature[-4:]
    if found != kind:
        raise ValueError("a signature of another kind of key")
    if not flags[0] & _USER_PRESENT:
        raise refused("a signature that nobody touched the security key for", "one that asks for a touch (no no-touch-required)")
    return value, hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(signed).digest()


def _der(value: bytes) -> bytes:
    first, second = _strings(value, 2)
    return encode_dss_signature(int.from_bytes(first), int.from_bytes(second))


def _string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def _strings(data: bytes, count: int, *, is_whole: bool = True) -> list[bytes]:
    """The first ``count`` strings of SSH's encoding in ``data``; nothing may follow where it ``is_whole``."""
    found, at = [], 0
    for _ in range(count):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 4 + length > len(data):
            raise ValueError("cut off")
        found.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    if is_whole and at != len(data):
        raise ValueError("more than there should be")
    return found


def refused(
    found: str,
    expected: str = "a signature as `ssh-keygen -Y sign` makes it",
    next_step: str = "sign it again with the key of somebody who may",
) -> SigningError:
    """The error of a signature that cannot be accepted."""
    return SigningError("signature", found=found, expected=expected, next_step=next_step)
