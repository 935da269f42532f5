"""The files of a new project, and writing them so that nothing of anybody's is lost.

What belongs here: params.yaml as text, README, ignore files, DVC's settings, the masking key. What does not: what the
parameters say (``proposal``), and Git and DVC themselves (``flows``).
"""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader

from tasks.errors import ProjectError
from tasks.paths import make_private
from tasks.projects.graph import project_graph
from tasks.projects.version_lock import installed_version

_TEMPLATES = Path(__file__).with_name("templates")
_ABOUT = {
    "schema_version": "What this project does, in one file, as `windtunnel init` found it. Every key is yours to change.",
    "snapshot": "Which lake, as of when, and the only columns that are ever copied.",
    "masking": "What becomes of each column on its way out of the restricted zone; what is not named here is dropped.",
    "label": "What is predicted.",
    "splits": "How rows are parted. A changed split needs a new name; after adding one run `windtunnel upgrade`.",
    "features": "What the model sees of a row.",
    "models": "The model in production (champion; none: the first verdict is a rubber stamp) and the one that wants to replace it.",
    "evaluation": "What is measured, on which rows.",
    "gates": "What a verdict demands; see docs/params.md of Windtunnel.",
    "refresh": "The nightly refresh of `windtunnel up`. `push` sends data to the DVC remotes.",
}
_GITIGNORE = "/.windtunnel/\n__pycache__/\n.venv/\n"
_DVCIGNORE = "__pycache__\n*.pyc\n.venv\n.windtunnel\n/data/snapshots/canaries.json\n/data/snapshots/*/canary.parquet\n"
POLICIES_README = "policies/README.md"
DVC_CONFIG = """\
[core]
    analytics = false
    check_update = false
[cache]
    type = "reflink,copy"
['remote "restricted"']
    url = ../.windtunnel/remotes/restricted
['remote "shared"']
    url = ../.windtunnel/remotes/shared
"""


def params_text(params: Mapping[str, Any]) -> str:
    """``params`` as YAML with a word on each section; it loads alike here and in DVC."""
    sections = []
    for name, value in params.items():
        about = f"# {_ABOUT[name]}\n" if name in _ABOUT else ""
        sections.append(about + yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=120))
    return "".join(sections)


def project_files(params: Mapping[str, Any], suites: Mapping[str, Any], readme: Mapping[str, Any]) -> dict[str, str]:
    """Path -> content of every file of the project."""
    templates = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=False, keep_trailing_newline=True, trim_blocks=True)  # noqa: S701 - Markdown
    return {
        "params.yaml": params_text(params),
        "dvc.yaml": project_graph(list(params["splits"])),
        "windtunnel.lock": installed_version().to_json(),
        ".gitignore": _GITIGNORE,
        ".dvcignore": _DVCIGNORE,
        "README.md": templates.get_template("README.md.j2").render(**readme),
        POLICIES_README: policies_readme(),
        **{f"expectations/{path}": json.dumps(suite, indent=1, ensure_ascii=False) + "\n" for path, suite in suites.items()},
    }


def policies_readme() -> str:
    """What a new project's folder of signatures holds: how to begin."""
    return (_TEMPLATES / "policies.md").read_text(encoding="utf-8")


def require_free(folder: Path) -> None:
    """Refuse a folder that holds anything; nothing in it is touched."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        raise ProjectError(
            f"--into {folder}",
            found="a folder that is not empty" if folder.is_dir() else "a file",
            expected="a new or empty folder",
            next_step="name another folder; what is there was left as it is",
        )


def write_project(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files beside ``folder``, in a folder that nobody takes for a project; :func:`settle` puts it in place."""
    part = folder.with_name(f".{folder.name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    for path, content in files.items():
        place = part / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")
    return part


def settle(part: Path, folder: Path) -> None:
    """Rename the finished ``part`` to ``folder``, which is not there or empty."""
    part.rename(folder)


def key_path(name: str) -> Path:
    """Where the masking key of the project ``name`` is to lie: among the user's settings, outside the repository, in a new file."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    folder = base.absolute() / "windtunnel" / "keys"
    path, number = folder / f"{name}.key", 2
    while path.exists():
        path, number = folder / f"{name}-{number}.key", number + 1
    return path


def as_written(path: Path) -> str:
    """``path`` as params.yaml names it: from the home folder where it lies there, so that it holds for another account too."""
    home = Path.home().absolute()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def write_key(path: Path) -> None:
    """A new master key, 64 hexadecimal digits, for its owner alone; the file is there as a whole or not at all.

    A folder that is made for it is closed to others. Raises ``FileExistsError`` where a file lies there: no key is overwritten.
    """
    if not path.parent.exists():
        make_private(path.parent)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(32) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        path.hardlink_to(part)  # which, unlike a rename, puts nothing in another's place
    finally:
        part.unlink(missing_ok=True)
