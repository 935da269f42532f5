"""Judged rows, made up: clustered labels, tied scores, a slice with NULLs."""

import numpy as np
import pyarrow as pa

from tasks.evaluation.metrics import METRICS
from tasks.params.judging import EvaluationParams

COSTS = {"false_positive": 1, "false_negative": 5}


def params(metrics=tuple(METRICS["binary"]), replicates=200, slices=(), cluster="day"):
    interval = {"method": "cluster_bootstrap", "cluster": cluster, "replicates": replicates, "confidence": 0.9}
    return EvaluationParams(split="s", part="test", metrics=metrics, slices=slices, costs=COSTS, interval=interval)


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


CLASSES = ("ant", "bee", "cat")


def class_rows(count=500, clusters=15, seed=0):
    """Rows of three classes, the last one rare, with clustered labels and coarse probabilities."""
    random = np.random.default_rng(seed)
    cluster = random.integers(0, clusters, count)
    strength = random.normal(size=(count, 3)) + [0.8, 0.4, -0.8] + 0.5 * random.normal(size=(clusters, 3))[cluster]
    labels = (strength + 0.7 * random.gumbel(size=(count, 3))).argmax(axis=1)
    columns = {"label": pa.array([CLASSES[place] for place in labels])}
    for role, pull in (("champion", 0.5), ("challenger", 1.0)):
        raised = np.exp(np.round(pull * strength + 0.3 * random.normal(size=(count, 3)), 1))
        for place, scores in enumerate((raised / raised.sum(axis=1, keepdims=True)).T):
            columns[f"{role}_score_{place}"] = scores
    return pa.table(columns | _cluster_and_slice(random, cluster))


def number_rows(count=500, clusters=15, seed=0):
    """Rows with a number to predict, far from 0, and clustered errors."""
    random = np.random.default_rng(seed)
    cluster = random.integers(0, clusters, count)
    labels = random.gamma(3, 10, count) + 1000
    errors = random.normal(size=clusters)[cluster] + random.normal(size=count)
    scores = {"champion_score": labels + 5 * errors, "challenger_score": labels + 4 * errors + random.normal(size=count)}
    return pa.table({"label": labels, **scores, **_cluster_and_slice(random, cluster)})


def _cluster_and_slice(random, cluster):
    return {
        "cluster": pa.array([f"c{number:03}" for number in cluster]),
        "slice_origin": pa.array(random.choice(["EWR", "JFK", None], len(cluster)).tolist(), pa.string()),
    }


SAMPLES = {"binary": (rows, ()), "multiclass": (class_rows, CLASSES), "regression": (number_rows, ())}
"""Task -> what makes its rows, and the classes."""
