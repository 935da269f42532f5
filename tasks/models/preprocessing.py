"""The default preparation around an estimator that brings none of its own.

What belongs here: turning the frame of features (floats with NaN, texts with None) into what a bare estimator takes. What
does not: a user's own pipeline, which gets the frame as it is.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_MOST_CATEGORIES = 50
"""Columns that one text may become in one-hot coding; rarer texts share one, so that memory stays in bounds."""
_FEWEST_ROWS = 10
"""Rows below which a text shares the column of rare ones."""


def prepare(estimator: Any, frame: "pd.DataFrame") -> Any:
    """``estimator``, or a pipeline that prepares ``frame``'s columns for it.

    An estimator that holds a ``Pipeline`` is returned as it is. Histogram gradient boosting, also inside a calibration, gets
    texts as categories and NaN as they are; any other gets texts one-hot, numbers with the median for NaN, an indicator of
    it, and unit variance. Texts that training did not see count as missing, or as rare.
    """
    from pandas.api.types import is_numeric_dtype
    from sklearn.pipeline import Pipeline

    parameters = estimator.get_params(deep=True)
    if any(isinstance(value, Pipeline) for value in (estimator, *parameters.values())):
        return estimator
    numbers = [name for name in frame.columns if is_numeric_dtype(frame[name])]
    texts = [name for name in frame.columns if name not in numbers]
    boosting = _boosting_within(estimator)
    if boosting is None:
        return Pipeline([("prepare", _one_hot(texts, numbers)), ("model", estimator)])
    # Boosting cannot bin a feature without a single value, and could learn nothing of it.
    texts, numbers = ([name for name in names if frame[name].notna().any()] for names in (texts, numbers))
    if parameters[f"{boosting}categorical_features"] == "from_dtype":
        limit = parameters[f"{boosting}max_bins"]
        positions = [number for number, name in enumerate(texts) if frame[name].nunique() <= limit]
        estimator.set_params(**{f"{boosting}categorical_features": positions or None})
    return Pipeline([("prepare", _ordinal(texts, numbers)), ("model", estimator)])


def _boosting_within(estimator: Any) -> str | None:
    """The prefix of the parameters of histogram gradient boosting in ``estimator``, or None where it is another estimator."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kinds = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    if isinstance(estimator, kinds):
        return ""
    nested = estimator.get_params(deep=False)
    return next((f"{name}__" for name in ("estimator", "regressor") if isinstance(nested.get(name), kinds)), None)


def _ordinal(texts: list[str], numbers: list[str]) -> Any:
    """Texts as numbers in alphabetical order, first, then the numbers; missing and unseen texts as NaN."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OrdinalEncoder

    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    return ColumnTransformer([("texts", encoder, texts), ("numbers", "passthrough", numbers)])


def _one_hot(texts: list[str], numbers: list[str]) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=_FEWEST_ROWS, max_categories=_MOST_CATEGORIES, sparse_output=False
    )
    # keep_empty_features: a column that is all NaN in training would vanish from the fitted model without a word.
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    numeric = Pipeline([("impute", imputer), ("scale", StandardScaler())])
    return ColumnTransformer([("texts", encoder, texts), ("numbers", numeric, numbers)])
