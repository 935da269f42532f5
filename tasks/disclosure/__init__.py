"""Disclosure risk: how easily a person is found in what is shared, measured, attacked, and mended at the least cost.

What belongs here: pure functions over tables of people. What does not: which tables there are and where they lie (the stage
``disclosure``), and carrying a policy out (``tasks.masking``). Masked data is pseudonymised and still personal data, whatever
the figures say: they tell how far it is from being somebody's name, not that it is anonymous.
"""

from tasks.disclosure.crowds import Crowds, form_crowds
from tasks.disclosure.risk import Diversity, Risk, measure_diversity, measure_risk

__all__ = ["Crowds", "Diversity", "Risk", "form_crowds", "measure_diversity", "measure_risk"]
