"""Point-in-time features: declared in ``params.yaml``, compiled to SQL, one code path offline and in serving.

What belongs here: what a row's features and label are, and the refusal of those that would look into the future. What does
not: where tables lie, which rows are trained on, and any model.
"""

from tasks.features.check import check_features, needed_columns
from tasks.features.compile import compile_features
from tasks.features.compute import compute_features
from tasks.features.functions import add_user_features, load_functions

__all__ = ["add_user_features", "check_features", "compile_features", "compute_features", "load_functions", "needed_columns"]
