"""Models: recipes made into fitted models, scores, and a store without pickle.

What belongs here: importing, fitting, scoring, storing and loading models. What does not: which rows belong to a part
(``tasks.splits``), and whether a model is any good (``tasks.evaluation``). scikit-learn and skops are imported where they are
used only, since commands that never fit import this package too.
"""

import os

# Before scikit-learn loads OpenMP, which reads it once: waiting threads sleep. By default they spin, and on a machine with other
# work a fit that takes 4 CPU seconds took 16 to 34. Results are the same; a value of the user's own stands.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from tasks.models.challengers import Brought, Workbench, bring_model, keep_model, open_model, open_workbench
from tasks.models.frames import feature_frame, select_parts
from tasks.models.mlflow_store import find_archive, is_own_registry, registry_environment, registry_uri
from tasks.models.naming import is_kept_in_git, name_challenger, read_challenger, require_challenger
from tasks.models.recipe import load_estimator
from tasks.models.refit import REFIT, refit_model
from tasks.models.scoring import class_names, predict_classes, predict_number, predict_positive, predict_scores
from tasks.models.store import check_model, dump_model, load_model, model_hash, read_model, write_model
from tasks.models.training import describe_stored_model, fit_recipe, train_recipe, training_labels, training_seed
from tasks.models.trusted import TRUSTED_TYPES
from tasks.models.weights import add_weights

__all__ = [
    "REFIT",
    "TRUSTED_TYPES",
    "Brought",
    "Workbench",
    "add_weights",
    "bring_model",
    "check_model",
    "class_names",
    "describe_stored_model",
    "dump_model",
    "feature_frame",
    "find_archive",
    "fit_recipe",
    "is_kept_in_git",
    "is_own_registry",
    "keep_model",
    "load_estimator",
    "load_model",
    "model_hash",
    "name_challenger",
    "open_model",
    "open_workbench",
    "predict_classes",
    "predict_number",
    "predict_positive",
    "predict_scores",
    "read_challenger",
    "read_model",
    "refit_model",
    "registry_environment",
    "registry_uri",
    "require_challenger",
    "select_parts",
    "train_recipe",
    "training_labels",
    "training_seed",
    "write_model",
]
