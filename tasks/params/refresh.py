"""``refresh``: when the nightly refresh runs, and how many of its commits are kept."""

from pydantic import Field

from tasks.params.base import Section


class RefreshParams(Section):
    """``cron`` is read in UTC; ``keep`` is the number of newest ``data/*`` branches that retention leaves."""

    cron: str = "0 3 * * *"
    keep: int = Field(default=14, ge=1)
    push: bool = True
