"""What a parameter means that nobody wrote down is recorded: it changes only with the edition that hashes and signatures name."""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import tasks.params
from tasks.params import EDITION, load_params, stated
from tasks.params.base import Section

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("parameter_defaults.json")
RECORD = "python tests/architecture/test_defaults_recorded.py"


def sections(base: type[Section] = Section) -> set[type[Section]]:
    """Every section of the grammar."""
    for module in pkgutil.iter_modules(tasks.params.__path__):
        importlib.import_module(f"tasks.params.{module.name}")
    return {found for each in base.__subclasses__() for found in {each, *sections(each)} if found.__module__.startswith("tasks.")}


def current() -> dict[str, Any]:
    """``Section.key`` -> its default, of every key that need not be written."""
    found = {}
    for section in sections():
        for name, field in section.model_fields.items():
            if not field.is_required():
                value = field.get_default(call_default_factory=True)
                plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
                found[f"{section.__name__}.{name}"] = json.loads(json.dumps(plain))
    return dict(sorted(found.items()))


def test_changed_default_raises_the_edition() -> None:
    """A default that was recorded is as it was; hashes and signatures leave defaults out, and would not see another one."""
    recorded = json.loads(TABLE.read_text())
    assert recorded["edition"] == EDITION, f"the table is of another edition; {RECORD}"
    now = current()
    others = {key: (was, now.get(key, "gone")) for key, was in recorded["defaults"].items() if now.get(key, "gone") != was}
    assert others == {}, f"raise EDITION in tasks/params/base.py and say so in CHANGELOG.md, then {RECORD}"


def test_every_default_is_recorded() -> None:
    """A new key is a new row, and no new edition: its default has to mean what was so before there was the key."""
    new = sorted(set(current()) - set(json.loads(TABLE.read_text())["defaults"]))
    assert new == [], f"{RECORD} adds them"


def test_names_of_sections_differ() -> None:
    """The table tells them apart by name."""
    names = [section.__name__ for section in sections()]
    assert len(names) == len(set(names))


def test_what_is_stated_says_all() -> None:
    """From what is hashed the parameters come back: no two that differ state the same."""
    params = load_params(ROOT / "params.yaml")
    said = stated(params)["values"]
    columns = dict(said["features"]["columns"])  # in order, and so a list of pairs
    assert type(params).model_validate(said | {"features": said["features"] | {"columns": columns}}) == params


def test_no_default_tells_two_kinds_apart() -> None:
    """A key of one possible word with a default would be left out, and with it what kind of a section it is."""
    for section in sections():
        for name, field in section.model_fields.items():
            words = getattr(field.annotation, "__args__", ()) if "Literal" in str(field.annotation) else ()
            assert field.is_required() or len(words) != 1, f"{section.__name__}.{name}"


if __name__ == "__main__":
    TABLE.write_text(json.dumps({"edition": EDITION, "defaults": current()}, indent=1) + "\n")
