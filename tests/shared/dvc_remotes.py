"""Two DVC remotes on one S3 store, each with an account of its own, as docs/lakes-on-s3.md sets them up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from s3_server import REGION, Account

_OUTPUTS = {"restricted": "raw.txt", "shared": "masked.txt"}


class Remotes:
    """A small DVC project whose outputs name ``restricted`` and ``shared``."""

    def __init__(self, folder: Path, endpoint: str, accounts: dict[str, Account]) -> None:
        self.folder = folder
        self.endpoint = endpoint
        folder.mkdir()
        self.dvc("init", "--no-scm", "--quiet")
        for remote, file in _OUTPUTS.items():
            (folder / file).write_text(f"what only {remote} may hold")
        self.dvc("add", "--quiet", *_OUTPUTS.values())
        for remote, file in _OUTPUTS.items():
            pointer = folder / f"{file}.dvc"
            pointer.write_text(f"{pointer.read_text().rstrip()}\n  remote: {remote}\n")
        self.configure(accounts)

    def configure(self, accounts: dict[str, Account]) -> None:
        """What the commands of docs/lakes-on-s3.md write."""
        sections = {
            remote: {
                "url": f"s3://{remote}-bucket/windtunnel",
                "endpointurl": self.endpoint,
                "region": REGION,
                "access_key_id": account.key_id,
                "secret_access_key": account.secret,
            }
            for remote, account in accounts.items()
        }
        lines = [
            line
            for remote, section in sections.items()
            for line in (f"['remote \"{remote}\"']", *(f'    {key} = "{value}"' for key, value in section.items()))
        ]
        (self.folder / ".dvc" / "config.local").write_text("\n".join(lines) + "\n")

    def dvc(self, *words: str, code: int = 0) -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WINDTUNNEL_", "COV_"))}
        env |= {"DVC_NO_ANALYTICS": "1", "HOME": str(self.folder)}
        command = [str(Path(sys.executable).parent / "dvc"), *words]
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False, timeout=120)
        if (done.returncode == 0) != (code == 0):
            pytest.fail(f"{words} gave {done.returncode}: {done.stderr[:3000]}")
        return done.stdout

    def lose_everything(self) -> None:
        """As on another machine: neither cache nor data."""
        shutil.rmtree(self.folder / ".dvc" / "cache")
        for file in _OUTPUTS.values():
            (self.folder / file).unlink(missing_ok=True)

    def present(self) -> set[str]:
        """The remotes whose output is here, whole."""
        return {
            remote
            for remote, file in _OUTPUTS.items()
            if (self.folder / file).exists() and (self.folder / file).read_text() == f"what only {remote} may hold"
        }


def push_and_pull(folder: Path, endpoint: str, restricted: Account, shared: Account) -> None:
    """Both are pushed; who has the key of ``shared`` gets what is in there, and nothing of ``restricted``."""
    remotes = Remotes(folder, endpoint, {"restricted": restricted, "shared": shared})
    for remote in _OUTPUTS:
        remotes.dvc("push", "--remote", remote)
    remotes.lose_everything()
    remotes.configure({"restricted": shared, "shared": shared})
    remotes.dvc("pull", "--quiet", "--remote", "shared", "masked.txt")
    assert remotes.present() == {"shared"}
    remotes.dvc("pull", "--quiet", "--remote", "restricted", "raw.txt", code=1)
    assert remotes.present() == {"shared"}
    remotes.configure({"restricted": restricted, "shared": shared})
    remotes.dvc("pull", "--quiet", "--remote", "restricted", "raw.txt")
    assert remotes.present() == {"restricted", "shared"}
