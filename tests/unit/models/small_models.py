"""A small frame of features, and estimators of all kinds that a challenger is made of."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

ROWS = 200


def small_frame(seed: int = 0, rows: int = ROWS) -> tuple[pd.DataFrame, np.ndarray]:
    """Two numbers with NaN, two texts with None, and a label that depends on them."""
    rng = np.random.default_rng(seed)
    size, speed = rng.normal(size=rows), rng.normal(size=rows)
    city = np.array(["here", "there", "far", None], dtype=object)[rng.integers(0, 4, rows)]
    label = (size + (city == "far") + rng.normal(0, 0.5, rows) > 0).astype("int8")
    speed[rng.random(rows) < 0.2] = np.nan
    columns = {"size": size, "speed": speed, "city": pd.Series(city, dtype=object), "van": pd.Series(city[::-1], dtype=object)}
    return pd.DataFrame(columns), label


def _own_pipeline() -> Pipeline:
    numbers = ColumnTransformer([("numbers", SimpleImputer(), ["size", "speed"]), ("texts", OneHotEncoder(), ["city"])])
    return Pipeline([("numbers", numbers), ("model", LogisticRegression())])


def _passing_pipeline() -> Pipeline:
    prepare = ColumnTransformer([("texts", "drop", ["city", "van"])], remainder="passthrough")
    return Pipeline([("prepare", prepare), ("model", HistGradientBoostingClassifier(max_iter=3))])


def _members() -> list[tuple[str, Any]]:
    return [("trees", HistGradientBoostingClassifier(max_iter=3)), ("lines", LogisticRegression())]


ESTIMATORS: dict[str, Any] = {
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=5),
    "early stopping": lambda: HistGradientBoostingClassifier(max_iter=5, early_stopping=True),
    "calibrated boosting": lambda: CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=3), method="isotonic", cv=2),
    "calibrated with shuffled folds": lambda: CalibratedClassifierCV(LogisticRegression(), cv=StratifiedKFold(2, shuffle=True)),
    "logistic": LogisticRegression,
    "own pipeline": _own_pipeline,
    "passing pipeline": _passing_pipeline,
    "calibrated pipeline": lambda: CalibratedClassifierCV(_own_pipeline(), cv=2),
    "forest": lambda: RandomForestClassifier(n_estimators=5),
    "extra trees": lambda: ExtraTreesClassifier(n_estimators=5),
    "older boosting": lambda: GradientBoostingClassifier(n_estimators=3),
    "voting": lambda: VotingClassifier(_members(), voting="soft"),
    "stacking": lambda: StackingClassifier(_members(), cv=2),
    "neighbours": KNeighborsClassifier,
    "linear": lambda: SGDClassifier(loss="log_loss", max_iter=50, tol=None),
}
