"""An alias moved in MLflow's own database by one conditional statement, where the registry is such a database.

What belongs here: the one thing that MLflow's calls cannot do, compare and set at once. What does not: whatever they can. Only
tables whose columns are all known here are written to: a release of MLflow that keeps more of an alias moves it by its own call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ALIASES, _VERSIONS = "registered_model_aliases", "model_versions"
_NEEDED, _KNOWN = {"name", "alias", "version"}, {"name", "alias", "version", "workspace"}
_WORKSPACE = "default"
"""MLflow's own where nobody made any; a registry with others is left to MLflow, which knows which one is meant."""
_DELETED = "Deleted_Internal"
"""The stage of a version that MLflow has deleted, whose row it keeps."""


@dataclass(frozen=True)
class AliasTable:
    """The aliases of one registered model, in a database that was looked at and is of the form that is known here."""

    engine: Any
    aliases: Any
    versions: Any
    of_model: Mapping[str, str]
    """What all rows of the model have in common: its name, and its workspace where MLflow has those."""

    def move(self, alias: str, *, expected: str | None, target: str) -> bool:
        """Let ``alias`` stand at ``target`` where it stands at ``expected`` (None: nowhere); whether it stood there.

        One statement, which the database carries out as a whole: of any number of processes that expect the same version, however
        they write, one moves it. Raises ``LookupError`` where there is no version ``target``, and what SQLAlchemy raises; the alias
        may then have moved, or not.
        """
        import sqlalchemy as sa

        try:
            with self.engine.begin() as connection:
                if not connection.execute(self._standing_version(int(target))).all():
                    raise LookupError(target)
                if expected is None:
                    connection.execute(sa.insert(self.aliases).values({**self.of_model, "alias": alias, "version": int(target)}))
                    return True
                row = _rows(self.aliases, {**self.of_model, "alias": alias, "version": int(expected)})
                return bool(connection.execute(sa.update(self.aliases).where(*row).values(version=int(target))).rowcount == 1)
        except sa.exc.IntegrityError:  # the key of a row that is there: it stands somewhere
            return False

    def _standing_version(self, version: int) -> Any:
        import sqlalchemy as sa

        row = _rows(self.versions, {**self.of_model, "version": version})
        return sa.select(self.versions.c.version).where(*row, self.versions.c.current_stage != _DELETED)


def open_aliases(uri: str, model: str) -> AliasTable | None:
    """The aliases of the registered model ``model`` in the database ``uri``; None where they are in none, or in another form.

    So it is for a tracking server, for tables with a column that is not known here, and for a registry of several workspaces.
    Nothing is written, and nothing raised: what is wrong with the registry is told by MLflow's own call, which is asked then.
    """
    if uri.startswith(("http:", "https:")):
        return None
    try:
        import sqlalchemy as sa
    except ImportError:
        return None
    try:
        engine = sa.create_engine(uri, poolclass=sa.pool.NullPool)
        aliases, versions = (sa.Table(name, sa.MetaData(), autoload_with=engine) for name in (_ALIASES, _VERSIONS))
        if not _NEEDED <= set(aliases.c.keys()) <= _KNOWN:
            return None
        if "workspace" not in aliases.c:
            return AliasTable(engine, aliases, versions, {"name": model})
        with engine.connect() as connection:
            used = connection.execute(sa.select(versions.c.workspace).distinct()).scalars().all()
    except (sa.exc.SQLAlchemyError, ImportError, AttributeError):  # an address, a driver or a table that is not there
        return None
    return AliasTable(engine, aliases, versions, {"name": model, "workspace": _WORKSPACE}) if used == [_WORKSPACE] else None


def _rows(table: Any, values: Mapping[str, str | int]) -> list[Any]:
    return [table.c[name] == value for name, value in values.items()]
