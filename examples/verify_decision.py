"""May this model go out? A decision record checked offline, with Python's standard library and ssh-keygen alone.

    python examples/verify_decision.py verdict.dsse verdict.json allowed_signers

Exit code 0: it promotes; 1: it does not; 2: it could not be checked (edited, forged, expired, a rehearsal, signed by nobody known).
Take allowed_signers from where you trust it (your release repository), not from beside the record. The record says what was judged;
who approved it is in the project's event log, which `windtunnel promote` asks.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

PAYLOAD = "application/vnd.in-toto+json"
KINDS = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://windtunnel.invalid/decision/v1"}
CLOCK_SKEW = timedelta(minutes=5)


def main(arguments: list[str]) -> int:
    """Check the three files against each other; prints what was found."""
    if len(arguments) != 3:
        return refuse("name three files: verdict.dsse verdict.json allowed_signers")
    envelope, verdict, signers = arguments
    try:
        decision, told = check(json.loads(Path(envelope).read_bytes()), Path(verdict).read_bytes(), signers)
    except subprocess.CalledProcessError as error:
        said = error.stderr if isinstance(error.stderr, str) else (error.stderr or b"").decode(errors="replace")
        return refuse(f"signed by nobody in that list, or changed ({' '.join(said.split())})")
    except KeyError as error:
        return refuse(f"no {error} in it")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return refuse(str(error) or type(error).__name__)
    print(told)
    return 0 if decision == "promote" else 1


def check(signed: dict, verdict: bytes, signers: str) -> tuple[str, str]:
    """The decision, and a sentence about it; raises where anything is not as it has to be."""
    payload = base64.b64decode(signed["payload"], validate=True)
    [signature] = signed["signatures"]
    statement, judged = json.loads(payload), json.loads(verdict)
    said, receipt = statement["predicate"], statement["predicate"]["receipt"]
    created, expires = (datetime.fromisoformat(receipt[name]) for name in ("created_utc", "expires_utc"))
    now = datetime.now(timezone.utc)
    # The key must have been good when it was judged, and must be good now: an expired key can set its clock back.
    principal = {find_signer(payload, signature["sig"], signers, at) for at in (created, now)}.pop()
    require(signed["payloadType"] == PAYLOAD and KINDS.items() <= statement.items(), "no decision record")
    subject = statement["subject"][0]
    same = (subject["name"], subject["digest"]["sha256"]) == ("verdict.json", hashlib.sha256(verdict).hexdigest())
    require(same, "the record is of another verdict")
    require((judged["decision"], judged["rehearsal"]) == (said["decision"], said["rehearsal"]), "it says another decision")
    require(said["rehearsal"] is False, "a rehearsal: nobody had signed masking policy and criteria")
    require(created <= now + CLOCK_SKEW, f"judged in the future, at {receipt['created_utc']}")
    require(now < expires, f"expired at {receipt['expires_utc']}")
    decision = standing(said, receipt)
    return decision, f"{decision}, signed by {principal}, until {receipt['expires_utc']}: {said['reason']}"


def standing(said: dict, receipt: dict) -> str:
    """What stands after the look at the holdout that the verdict cost; undecided where the record is silent on a later one."""
    is_first = ((receipt.get("look") or {}).get("number") or 1) <= 1
    return said["decision"] if is_first else said.get("standingDecision", "inconclusive")


def find_signer(payload: bytes, signature: str, signers: str, at: datetime) -> str:
    """Who signed with a key that was allowed ``at`` that moment, as ssh-keygen finds him; raises where nobody did who may."""
    encoded = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload)
    blob = base64.b64encode(base64.b64decode(signature, validate=True)).decode()
    require(at.tzinfo is not None, "a time without its zone")
    moment = "verify-time=" + at.astimezone(timezone.utc).strftime("%Y%m%d%H%M%SZ")
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as armored:
        armored.write(f"-----BEGIN SSH SIGNATURE-----\n{blob}\n-----END SSH SIGNATURE-----\n")
        armored.flush()
        common = ["-f", signers, "-s", armored.name, "-O", moment]
        find = ["ssh-keygen", "-Y", "find-principals", *common]
        found = subprocess.run(find, capture_output=True, text=True, check=True)  # noqa: S603
        principal = found.stdout.split()[0]
        verify = ["ssh-keygen", "-Y", "verify", "-I", principal, "-n", "windtunnel", *common]
        subprocess.run(verify, input=encoded, capture_output=True, check=True)  # noqa: S603
    return principal


def require(holds: bool, otherwise: str) -> None:
    """Raise where it does not hold."""
    if not holds:
        raise ValueError(otherwise)


def refuse(why: str) -> int:
    """Say why it could not be checked."""
    print(f"could not be checked: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
