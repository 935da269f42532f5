"""verdict.json has a published form, and keeps to it."""

import json
from pathlib import Path

import pytest
from evidence_records import evaluation, gates, provenance, reports
from jsonschema import Draft202012Validator, ValidationError

import tasks.gates
from tasks.gates import judge
from tasks.records import Verdict

SCHEMA = Path(tasks.gates.__file__).with_name("verdict.schema.json")
HEAD = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "windtunnel:verdict:1"}


def test_schema_is_the_records_own():
    """The file is the Verdict record's schema; on failure write ``expected`` to it; a changed meaning is a new schema_version."""
    expected = HEAD | Verdict.model_json_schema(mode="serialization")
    assert json.loads(SCHEMA.read_text()) == expected


@pytest.mark.parametrize("found", [evaluation(), None], ids=["judged", "no evaluation"])
def test_verdict_validates(found):
    """Every verdict, also one about missing evidence, has the published form."""
    verdict = judge(found, reports(), gates(), provenance())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads(verdict.to_json()))


def test_other_decisions_and_fields_do_not_validate():
    """The schema is closed: an unknown decision or field is refused."""
    verdict = json.loads(judge(evaluation(), reports(), gates(), provenance()).to_json())
    for change in ({"decision": "maybe"}, {"actor": "somebody"}):
        with pytest.raises(ValidationError):
            Draft202012Validator(json.loads(SCHEMA.read_text())).validate(verdict | change)
