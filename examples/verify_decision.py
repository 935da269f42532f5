"""May this model go out? A decision record checked offline, with Python's standard library and ssh-keygen alone.

    python examples/verify_decision.py verdict.dsse verdict.json allowed_signers

Exit code 0: it promotes; 1: it does not; 2: it could not be checked (edited, forged, expired, a rehearsal, signed by nobody known).
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path


def main(envelope: str, verdict: str, signers: str) -> int:
    """Check the three files against each other; prints what was found."""
    try:
        signed = json.loads(Path(envelope).read_bytes())
        payload = base64.b64decode(signed["payload"], validate=True)
        statement = json.loads(payload)
        told, receipt = statement["predicate"], statement["predicate"]["receipt"]
        principal = find_signer(signed, payload, signers, receipt["created_utc"])
        subject = statement["subject"][0]["digest"]["sha256"]
        expires = datetime.fromisoformat(receipt["expires_utc"])
        is_this = subject == hashlib.sha256(Path(verdict).read_bytes()).hexdigest()
        is_good = datetime.now(timezone.utc) < expires and told["rehearsal"] is False
        decision, reason = str(told["decision"]), str(told["reason"])
    except (OSError, ValueError, LookupError, TypeError, subprocess.CalledProcessError) as error:
        print(f"could not be checked: {type(error).__name__}", file=sys.stderr)
        return 2
    if not is_this or not is_good:
        print(
            f"could not be checked: {'expired, or a rehearsal' if is_this else 'the record is of another verdict'}", file=sys.stderr
        )
        return 2
    print(f"{decision}, signed by {principal}, until {receipt['expires_utc']}: {reason}")
    return 0 if decision == "promote" else 1


def find_signer(signed: dict, payload: bytes, signers: str, created: str) -> str:
    """Who signed, as ssh-keygen finds him; raises where nobody did who may."""
    kind = signed["payloadType"]
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    blob = base64.b64encode(base64.b64decode(signed["signatures"][0]["sig"], validate=True)).decode()
    at = "verify-time=" + datetime.fromisoformat(created).strftime("%Y%m%d%H%M%SZ")
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as armored:
        armored.write(f"-----BEGIN SSH SIGNATURE-----\n{blob}\n-----END SSH SIGNATURE-----\n")
        armored.flush()
        common = ["-f", signers, "-s", armored.name, "-O", at]
        find = ["ssh-keygen", "-Y", "find-principals", *common]
        found = subprocess.run(find, capture_output=True, text=True, check=True)  # noqa: S603
        principal = found.stdout.split()[0]
        verify = ["ssh-keygen", "-Y", "verify", "-I", principal, "-n", "windtunnel", *common]
        subprocess.run(verify, input=encoded, capture_output=True, check=True)  # noqa: S603
    return principal


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]) if len(sys.argv) == 4 else 2)
