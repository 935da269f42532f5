"""A challenger to try: gradient boosting whose probabilities are calibrated.

    windtunnel try examples/calibrated.py

A challenger file defines `estimator`, an unfitted scikit-learn classifier. A bare one, as here, is prepared for: texts become
categories, missing numbers stay missing. A `Pipeline` gets the features as they are: floats with NaN, texts with None.
Randomness that is left open is seeded from `seed` in params.yaml.
"""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier

boosting = HistGradientBoostingClassifier(
    max_iter=40, learning_rate=0.15, max_leaf_nodes=16, min_samples_leaf=60, l2_regularization=1.0
)

# Three stretches of the training days: each calibrates what was fitted on the other two, and scores are the mean of the three.
estimator = CalibratedClassifierCV(boosting, method="isotonic", cv=3)
