"""Gates: criteria and evidence in, one verdict out; and whether a verdict may still be acted upon.

The form of ``verdict.json`` is ``verdict.schema.json`` in this folder.
"""

from tasks.gates.criteria import SUBJECTS, judge_criteria
from tasks.gates.decision import Provenance, decide, exit_code, hash_gates, hash_params, judge
from tasks.gates.later import later_confidence, later_gates
from tasks.gates.power import plan_tests
from tasks.gates.receipt import check_receipt, check_verdict, make_receipt
from tasks.gates.refitting import describe_check, judge_agreement, judge_on_raw, require_same_verdict
from tasks.gates.rejudging import StoredEvidence, find_flip
from tasks.gates.selftest import asked_by, plan_self_test
from tasks.gates.sequential import watch
from tasks.gates.unplanned import list_unplanned

__all__ = [
    "SUBJECTS",
    "Provenance",
    "StoredEvidence",
    "asked_by",
    "check_receipt",
    "check_verdict",
    "decide",
    "describe_check",
    "exit_code",
    "find_flip",
    "hash_gates",
    "hash_params",
    "judge",
    "judge_agreement",
    "judge_criteria",
    "judge_on_raw",
    "later_confidence",
    "later_gates",
    "list_unplanned",
    "make_receipt",
    "plan_self_test",
    "plan_tests",
    "require_same_verdict",
    "watch",
]
