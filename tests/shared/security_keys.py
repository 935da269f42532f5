"""Security keys in software: the public keys and signatures that a hardware key would make, as OpenSSH's PROTOCOL.u2f has them."""

import base64
import hashlib
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tasks.signing.sshsig import armor

APPLICATION = b"ssh:"
TOUCHED, VERIFIED = 1, 4
"""Flags: somebody touched the key; and showed it who he is (a PIN, a finger)."""


def string(value):
    return struct.pack(">I", len(value)) + value


def integer(value):
    return string(value.to_bytes(value.bit_length() // 8 + 1))


class SecurityKey:
    """A key of the kind ``sk-ssh-ed25519`` or ``sk-ecdsa-sha2-nistp256``."""

    def __init__(self, kind):
        self.kind = f"{kind}@openssh.com".encode()
        self.is_ed25519 = "ed25519" in kind
        self.key = ed25519.Ed25519PrivateKey.generate() if self.is_ed25519 else ec.generate_private_key(ec.SECP256R1())
        encoding, form = serialization.Encoding, serialization.PublicFormat
        if self.is_ed25519:
            told = string(self.key.public_key().public_bytes(encoding.Raw, form.Raw))
        else:
            told = string(b"nistp256") + string(self.key.public_key().public_bytes(encoding.X962, form.UncompressedPoint))
        self.blob = string(self.kind) + told + string(APPLICATION)

    @property
    def words(self):
        """The two words of its .pub file."""
        return f"{self.kind.decode()} {base64.b64encode(self.blob).decode()}"

    def sign(self, content, *, flags=TOUCHED, counter=7, application=APPLICATION, namespace=b"windtunnel", told_flags=None):
        """The armored signature of ``content``; ``told_flags`` are written in place of those that were signed."""
        digest = hashlib.sha512(content).digest()
        message = b"SSHSIG" + b"".join(map(string, (namespace, b"", b"sha512", digest)))
        signed = hashlib.sha256(application).digest() + struct.pack(">BI", flags, counter) + hashlib.sha256(message).digest()
        if self.is_ed25519:
            value = self.key.sign(signed)
        else:
            value = b"".join(map(integer, decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA256())))))
        written = string(self.kind) + string(value) + struct.pack(">BI", flags if told_flags is None else told_flags, counter)
        parts = (self.blob, namespace, b"", b"sha512", written)
        return armor(b"SSHSIG" + struct.pack(">I", 1) + b"".join(map(string, parts)))
