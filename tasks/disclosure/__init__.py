"""Disclosure risk: how easily a person is found in what is shared, measured, attacked, and mended at the least cost.

What belongs here: pure functions over tables of people. What does not: which tables there are and where they lie (the stage
``disclosure``), and carrying a policy out (``tasks.masking``). Masked data is pseudonymised and still personal data, whatever
the figures say: they tell how far it is from being somebody's name, not that it is anonymous.
"""

from tasks.disclosure.assess import assess_view
from tasks.disclosure.attacks import Attack, Rate, run_attacks
from tasks.disclosure.columns import FEATURE, KnownColumn, known_columns, known_features, sensitive_columns
from tasks.disclosure.crowds import Crowds, form_crowds
from tasks.disclosure.ladders import DROP, LAST, Rule, Step, calendar_steps, prefix_steps, whole_value, width_steps
from tasks.disclosure.probe import Loss, measure_loss
from tasks.disclosure.proposal import publishable
from tasks.disclosure.risk import Diversity, Risk, measure_diversity, measure_risk
from tasks.disclosure.search import Generalisation, find_generalisation
from tasks.disclosure.statements import open_tables, quote
from tasks.disclosure.view import PeopleView, columns_on_the_way, join_people

__all__ = [
    "DROP",
    "FEATURE",
    "LAST",
    "Attack",
    "Crowds",
    "Diversity",
    "Generalisation",
    "KnownColumn",
    "Loss",
    "PeopleView",
    "Rate",
    "Risk",
    "Rule",
    "Step",
    "assess_view",
    "calendar_steps",
    "columns_on_the_way",
    "find_generalisation",
    "form_crowds",
    "join_people",
    "known_columns",
    "known_features",
    "measure_diversity",
    "measure_loss",
    "measure_risk",
    "open_tables",
    "prefix_steps",
    "publishable",
    "quote",
    "run_attacks",
    "sensitive_columns",
    "whole_value",
    "width_steps",
]
