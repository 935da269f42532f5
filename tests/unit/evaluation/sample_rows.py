"""Judged rows, made up: clustered labels, tied scores, a slice with NULLs."""

import numpy as np
import pyarrow as pa

from tasks.evaluation.metrics import METRICS
from tasks.params.judging import EvaluationParams


def params(metrics=tuple(METRICS), replicates=200, slices=()):
    interval = {"method": "cluster_bootstrap", "cluster": "day", "replicates": replicates, "confidence": 0.9}
    return EvaluationParams(split="s", part="test", metrics=metrics, slices=slices, interval=interval)


def rows(count=600, clusters=15, seed=0, decimals=2):
    """Rows with clustered labels and many tied scores."""
    random = np.random.default_rng(seed)
    cluster = random.integers(0, clusters, count)
    strength = random.normal(size=count) + random.normal(size=clusters)[cluster]
    labels = (random.random(count) < 1 / (1 + np.exp(-strength))).astype(np.int8)
    champion, challenger = (
        np.round(1 / (1 + np.exp(-strength * pull - random.normal(size=count))), decimals) for pull in (0.4, 1.0)
    )
    return pa.table(
        {
            "label": labels,
            "champion_score": champion,
            "challenger_score": challenger,
            "cluster": pa.array([f"c{number:03}" for number in cluster]),
            "slice_origin": pa.array(random.choice(["EWR", "JFK", None], count).tolist(), pa.string()),
        }
    )
