"""Sign the demo's policy as it stands, with the demo's published keys.

After a change of masking, criteria or what they rest on in params.yaml: ``python tests/shared/sign_demo_policy.py``.
"""

import shutil
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from flows.policy_signing import sign_policy
from tasks.demo import DEMO_IDENTITIES, demo_key_path, demo_public_key, write_demo_identities

ROOT = Path(__file__).resolve().parents[2]
OWNER = next(iter(DEMO_IDENTITIES))
HEAD = "# The demo's published identities: their private keys are in tasks/demo/identities.py, and they count in the demo only.\n"


SIGNED_AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
"""When projects of tests are signed: two that are made alike are alike, byte for byte."""


def sign_demo_policy(folder, now=SIGNED_AT):
    """Sign the policy of the demo project in ``folder`` anew, as its first version, at the moment ``now``."""
    policies, state = folder / "policies", folder / ".windtunnel"
    write_demo_identities(state)
    for file in policies.glob("[0-9]*.json"):
        file.unlink()
    lines = "".join(f"{name} {demo_public_key(name)}\n" for name in DEMO_IDENTITIES)
    (policies / "allowed_signers").write_text(HEAD + lines)
    sign_policy(folder, key=demo_key_path(state, OWNER), reason="the demo's policy", now=now)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        shutil.copy2(ROOT / "params.yaml", copy)
        (copy / "policies").mkdir()
        sign_demo_policy(copy, datetime.now(timezone.utc))
        for old in (ROOT / "policies").glob("[0-9]*.json"):
            old.unlink()
        shutil.copytree(copy / "policies", ROOT / "policies", dirs_exist_ok=True)
