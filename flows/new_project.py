"""Making a project's folder: its files, its own Git and DVC repository, its key and a first commit; all of it or nothing.

What belongs here: the order in which these come to be. What does not: what the files say (``tasks.founding``). Prefect is not
imported here: a project is made before a server runs.
"""

import re
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from flows.programs import call, dvc, git
from flows.worktrees import identity
from tasks.errors import LakeError, ProjectError
from tasks.founding import Founded, find_lake_tables, found_project
from tasks.params.snapshot import S3Params
from tasks.projects.files import DVC_CONFIG, require_free, settle, write_key, write_project
from tasks.projects.roles import Wishes
from tasks.projects.survey import choose_table
from tasks.sources import open_lake


def found(folder: Path, lake: str, wishes: Mapping[str, Any]) -> Founded:
    """The project around the lake at ``lake`` (a folder counts from here, not from the project) that is to lie in ``folder``."""
    require_free(folder)
    try:
        return _found(folder, lake, wishes)
    except LakeError as error:
        if "snapshot." not in error.next_step and "windtunnel pin" not in error.next_step:
            raise
        # What mends a project's parameters is of no use where there is no project yet.
        step = "mend the lake, or name another by --lake, or another of its tables by --table; nothing was written"
        raise LakeError(error.thing, found=error.found, expected=_without_params(error.expected), next_step=step) from None


def _without_params(expected: str) -> str:
    return re.sub(r",? (?:as|under) snapshot\.[^ ]*( says)?", "", expected)


def _found(folder: Path, lake: str, wishes: Mapping[str, Any]) -> Founded:
    uri = lake if "://" in lake else str(Path(lake).expanduser().absolute())
    is_remote = uri.startswith("s3://")  # the environment may name a store also where the lake is a folder
    s3 = {name: wishes[f"s3_{name}"] for name in ("endpoint", "region") if is_remote and wishes.get(f"s3_{name}")}
    tables = find_lake_tables(open_lake(uri, Path.cwd(), S3Params(**s3)), uri, wishes["table"])
    given = {name: wishes[name] for name in ("label", "task", "key", "entity", "time", "known", "score")}
    chosen = choose_table(tables, wishes["table"], wishes["label"])
    return found_project(
        chosen,
        others=[table for table in tables if table is not chosen],
        folder=folder.absolute(),
        lake=uri,
        wishes=Wishes(**given),
        k=wishes["k"],
        now=_this_second_over(),
        s3=s3,
    )


def make_project(founded: Founded, folder: Path) -> None:
    """Write the project into ``folder``, which must be new or empty, as a Git and DVC repository of one commit.

    It is made beside ``folder`` and renamed at the end; where anything fails nothing is left of it, the key included. Raises
    :class:`~tasks.errors.ProjectError` where there is no Git, or ``folder`` is not free.
    """
    require_free(folder)
    if shutil.which("git") is None:
        raise ProjectError(
            "windtunnel init", found="no git program", expected="git, since a project is a repository", next_step="install git"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = write_project(folder, founded.files)
    try:
        git(part, "init", "--quiet", "--initial-branch", "main")
        dvc(part, "init", "--quiet")
        (part / ".dvc" / "config").write_text(DVC_CONFIG)
        git(part, "add", "--all")
        call(["git", "commit", "--quiet", "-m", "A project by windtunnel init"], part, identity(part))
        write_key(founded.key)
        try:
            settle(part, folder)
        except OSError:
            founded.key.unlink()
            raise
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _this_second_over() -> datetime:
    """Now, in whole seconds and not before it: a file that appeared within this second is there."""
    now = datetime.now(timezone.utc)
    return now if now.microsecond == 0 else now.replace(microsecond=0) + timedelta(seconds=1)
