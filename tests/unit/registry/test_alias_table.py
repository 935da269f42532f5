"""Aliases in a database: moved by one statement from where they are expected, and only in tables of the form that is known."""

import pytest
import sqlalchemy as sa

from tasks.registry.database import open_aliases

ALIASES = (
    "create table registered_model_aliases (name text, alias text, version integer, workspace text{}, primary key (name, alias))"
)
VERSIONS = "create table model_versions (name text, version integer, current_stage text, workspace text)"


def fill(uri, *, more="", workspaces=("default",)):
    """Tables as MLflow's: versions 1 and 2 of a model in each workspace, and a third one that was deleted."""
    engine = sa.create_engine(uri)
    with engine.begin() as connection:
        connection.exec_driver_sql(ALIASES.format(more))
        connection.exec_driver_sql(VERSIONS)
        for workspace in workspaces:
            for version, stage in ((1, "None"), (2, "None"), (3, "Deleted_Internal")):
                connection.exec_driver_sql(f"insert into model_versions values ('late', {version}, '{stage}', '{workspace}')")
    engine.dispose()
    return uri


@pytest.fixture
def uri(tmp_path):
    return f"sqlite:///{tmp_path}/mlflow.db"


def test_an_alias_moves_from_where_it_is_expected(uri):
    """From nowhere and from a version; whoever expects otherwise moves nothing."""
    table = open_aliases(fill(uri), "late")
    assert not table.move("champion", expected="1", target="2")
    assert table.move("champion", expected=None, target="1")
    assert not table.move("champion", expected=None, target="2")
    assert not table.move("champion", expected="2", target="2")
    assert table.move("champion", expected="1", target="2")
    with table.engine.connect() as connection:
        assert connection.exec_driver_sql("select * from registered_model_aliases").all() == [("late", "champion", 2, "default")]


@pytest.mark.parametrize("target", ["3", "4"])
def test_an_alias_moves_to_no_version_that_is_not_there(uri, target):
    """Deleted, and never made."""
    with pytest.raises(LookupError):
        open_aliases(fill(uri), "late").move("champion", expected=None, target=target)


def test_tables_of_another_form_are_left_to_mlflow(uri, tmp_path):
    """A column that is not known, several workspaces, no tables, no database, and a tracking server."""
    assert open_aliases(fill(uri, more=", moved_by text"), "late") is None
    assert open_aliases(fill(f"sqlite:///{tmp_path}/two.db", workspaces=("default", "other")), "late") is None
    assert open_aliases(f"sqlite:///{tmp_path}/empty.db", "late") is None
    assert open_aliases("nodb://host/name", "late") is None
    assert open_aliases("file:///somewhere", "late") is None
    assert open_aliases("http://127.0.0.1:9", "late") is None
