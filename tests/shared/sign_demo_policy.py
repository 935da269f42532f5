"""Sign the demo's policy as it stands, with the demo's published keys.

After a change of expectations, masking, criteria or what they rest on: ``python tests/shared/sign_demo_policy.py``.
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
    """Sign the policy of the demo project in ``folder`` anew, as its first version, at the moment ``now``.

    It is signed in a copy: the project's own log would tell that the version before was in force, and is gone.
    """
    write_demo_identities(folder / ".windtunnel")
    with tempfile.TemporaryDirectory() as name:
        copy, state = Path(name), Path(name) / ".windtunnel"
        shutil.copy2(folder / "params.yaml", copy)
        if (folder / "expectations").is_dir():
            shutil.copytree(folder / "expectations", copy / "expectations")
        (copy / "policies").mkdir()
        write_demo_identities(state)
        lines = "".join(f"{name} {demo_public_key(name)}\n" for name in DEMO_IDENTITIES)
        (copy / "policies/allowed_signers").write_text(HEAD + lines)
        sign_policy(copy, key=demo_key_path(state, OWNER), reason="the demo's policy", now=now)
        for file in (folder / "policies").glob("[0-9]*.json"):
            file.unlink()
        shutil.copytree(copy / "policies", folder / "policies", dirs_exist_ok=True)


if __name__ == "__main__":
    sign_demo_policy(ROOT, datetime.now(timezone.utc))
