"""Bringing a user's project to the installed version of the package.

What belongs here: which files follow the version, what they become, and showing the difference. What does not: the user's
own files: parameters, suites and what a run has made are theirs, and stay as they are.
"""

import difflib
from dataclasses import dataclass

from tasks.datasets import write_atomically
from tasks.errors import ProjectError
from tasks.params import load_params
from tasks.paths import ProjectPaths
from tasks.projects.files import POLICIES_README, policies_readme
from tasks.projects.graph import project_graph
from tasks.projects.version_lock import installed_version, is_clone, require_not_newer


@dataclass(frozen=True)
class FileChange:
    """One file of a project, as it is (empty: not there) and as it becomes."""

    path: str
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The difference, as a unified diff."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"{self.path} (now)",
            f"{self.path} (upgraded)",
        )
        return "".join(lines)


def plan_upgrade(paths: ProjectPaths) -> tuple[FileChange, ...]:
    """The files of the project that the installed version would write otherwise; empty where none would change.

    Raises :class:`~tasks.errors.ProjectError` where the project holds the code itself, or a newer version made it, and
    :class:`~tasks.errors.ParameterError` where its parameters are not understood.
    """
    if is_clone(paths):
        raise ProjectError(
            str(paths.root),
            found="a clone, which holds the code itself",
            expected="a project that `windtunnel init` made",
            next_step="git pull, then make install",
        )
    require_not_newer(paths.version_lock)
    splits = list(load_params(paths.params).splits)
    wanted = {paths.graph: project_graph(splits), paths.version_lock: installed_version().to_json()}
    if not paths.policies.is_dir():  # what the stage gate reads must be there
        wanted[paths.root / POLICIES_README] = policies_readme()
    changes = []
    for path, after in wanted.items():
        before = path.read_text() if path.exists() else ""
        if before != after:
            changes.append(FileChange(path.relative_to(paths.root).as_posix(), before, after))
    return tuple(changes)


def carry_out(paths: ProjectPaths, changes: tuple[FileChange, ...]) -> None:
    """Write what was planned."""
    for change in changes:
        write_atomically(paths.root / change.path, change.after.encode())
