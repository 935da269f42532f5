"""Models stored without pickle: equal fits are equal bytes, and nothing but reviewed types comes back."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from small_models import ESTIMATORS, small_frame

from tasks.errors import ModelError
from tasks.models import check_model, dump_model, fit_recipe, load_model, model_hash, predict_positive, read_model, write_model
from tasks.models.canonical import read_entries
from tasks.records import ModelCard

CARD = ModelCard(
    role="challenger",
    name="small",
    basis="recipe",
    estimator="small",
    parameters="{}",
    view="masked",
    split="s",
    part="train",
    rows=1,
    features=("size",),
    seed=1,
    logical_hash=None,
)


def _fit(name: str):
    frame, label = small_frame()
    return fit_recipe(ESTIMATORS[name](), frame, label, seed=7)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_equal_fits_are_equal_bytes_and_come_back_equal(name):
    """Two fits dump to the same bytes; the loaded model scores the same, and dumps to the same bytes again."""
    first, second = _fit(name), _fit(name)
    archive = dump_model(first)
    assert dump_model(second) == archive
    loaded = load_model(archive)
    assert dump_model(loaded) == archive
    frame, _ = small_frame(seed=1)
    np.testing.assert_array_equal(predict_positive(loaded, frame), predict_positive(first, frame))


def test_another_fit_is_another_hash():
    """A model that differs in one parameter has another hash."""
    frame, label = small_frame()
    one, other = (fit_recipe(HistGradientBoostingClassifier(max_iter=n), frame, label, seed=7) for n in (3, 4))
    assert model_hash(dump_model(one)) != model_hash(dump_model(other))


_HASHES = """
import sys
sys.path.insert(0, sys.argv[1])
import test_store
print([test_store.model_hash(test_store.dump_model(test_store._fit(name))) for name in test_store.IN_PROCESSES])
"""
IN_PROCESSES = ("calibrated boosting", "forest", "passing pipeline")


@pytest.mark.slow
def test_threads_hash_seed_and_process_change_nothing():
    """Processes with other hash seeds and other numbers of threads make the same models."""
    found = {str([model_hash(dump_model(_fit(name))) for name in IN_PROCESSES])}
    for threads, seed in (("1", "1"), ("3", "2")):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _HASHES, str(Path(__file__).parent)]
        found.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip())
    assert len(found) == 1, found


def test_an_archive_tells_nothing_of_time_and_memory():
    """Every file carries the same date and a running number, also inside of sparse matrices."""
    with zipfile.ZipFile(io.BytesIO(dump_model(_fit("boosting")))) as archive:
        entries = archive.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert all(entry.filename == "schema.json" or int(entry.filename.split(".")[0]) <= len(entries) for entry in entries)


class OwnClassifier(LogisticRegression):
    """A class that no allow-list knows."""


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (OwnClassifier(), "OwnClassifier"),
        (Pipeline([("look", FunctionTransformer(os.path.basename)), ("model", LogisticRegression())]), "basename"),
        (
            Pipeline([("look", FunctionTransformer(np.testing.suppress_warnings)), ("model", LogisticRegression())]),
            "suppress_warnings",
        ),
    ],
    ids=["own class", "foreign function", "unreviewed name of numpy"],
)
def test_a_type_that_is_not_reviewed_is_not_stored(estimator, name):
    """The refusal names the type, when the model is made."""
    with pytest.raises(ModelError, match=name):
        dump_model(estimator)


def test_a_type_that_is_not_reviewed_is_not_loaded():
    """An archive that was crafted elsewhere is refused before anything in it is made."""
    entries = read_entries(dump_model(LogisticRegression()))
    schema = json.loads(entries["schema.json"])
    schema["__module__"], schema["__class__"] = "subprocess", "Popen"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("schema.json", json.dumps(schema))
    with pytest.raises(ModelError, match=r"subprocess\.Popen"):
        load_model(buffer.getvalue())


@pytest.mark.parametrize("archive", [b"", b"no archive", b"\x80\x04\x95"], ids=["empty", "text", "pickle"])
def test_what_is_no_archive_is_refused(archive):
    """Anything but a skops archive is one clear error, a pickle above all."""
    with pytest.raises(ModelError, match="no skops archive"):
        load_model(archive)


def test_a_model_of_another_release_is_refused():
    """scikit-learn promises nothing about models of another release."""
    with pytest.raises(ModelError, match=r"0\.1\.2"):
        load_model(_of_another_release("boosting"))


def _of_another_release(name: str) -> bytes:
    import sklearn

    entries = read_entries(dump_model(_fit(name)))
    schema = entries["schema.json"].replace(sklearn.__version__.encode(), b"0.1.2")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for entry, data in {**entries, "schema.json": schema}.items():
            target.writestr(entry, data)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["boosting", "forest"])
@pytest.mark.parametrize("field", ["left", "feature"])
def test_a_tree_that_points_out_of_itself_is_refused(name, field):
    """scikit-learn would follow the index into memory that is not the tree's."""
    model = _fit(name)
    if name == "boosting":
        nodes = model[-1]._predictors[0][0].nodes
        nodes["left" if field == "left" else "feature_idx"][0] = 10_000
    else:
        state = model[-1].estimators_[0].tree_.__getstate__()
        state["nodes"]["left_child" if field == "left" else "feature"][0] = 10_000
        model[-1].estimators_[0].tree_.__setstate__(state)
    with pytest.raises(ModelError, match="a tree that"):
        load_model(dump_model(model))


def test_a_tree_in_an_ensemble_of_models_is_looked_at_too():
    """The members lie in a list and in a Bunch; neither hides a tree."""
    model = _fit("voting")
    member = model[-1].named_estimators_["trees"]
    member._predictors[0][0].nodes["feature_idx"][0] = 10_000
    with pytest.raises(ModelError, match="a tree that"):
        load_model(dump_model(model))


def test_a_tree_that_turns_back_is_refused():
    """A child before its parent would be a walk without end."""
    model = _fit("boosting")
    model[-1]._predictors[0][0].nodes["left"][0] = 0
    with pytest.raises(ModelError, match="or back"):
        load_model(dump_model(model))


def test_model_and_card_come_back_together(tmp_path: Path):
    """The card carries the hash of the stored model."""
    model = _fit("logistic")
    card = write_model(tmp_path, model, CARD)
    loaded, again = read_model(tmp_path, "challenger")
    assert again == card
    assert card.logical_hash == model_hash((tmp_path / "challenger.skops").read_bytes()) == model_hash(dump_model(loaded))


def test_a_model_that_is_not_its_cards_is_refused(tmp_path: Path):
    """A model that was put in the place of another is noticed."""
    write_model(tmp_path, _fit("logistic"), CARD)
    (tmp_path / "challenger.skops").write_bytes(dump_model(_fit("boosting")))
    with pytest.raises(ModelError, match="another model"):
        read_model(tmp_path, "challenger")


def test_a_model_is_checked_by_its_bytes(tmp_path: Path):
    """Its card where they are the card's, of whatever release; another model and no archive are refused."""
    card = write_model(tmp_path, _fit("logistic"), CARD)
    assert check_model(tmp_path, "challenger") == card
    archive = tmp_path / "challenger.skops"
    old = _of_another_release("logistic")
    archive.write_bytes(old)
    with pytest.raises(ModelError, match="another model"):
        check_model(tmp_path, "challenger")
    of_old = card.model_copy(update={"logical_hash": model_hash(old)})
    (tmp_path / "challenger.json").write_text(of_old.to_json())
    assert check_model(tmp_path, "challenger") == of_old
    with pytest.raises(ModelError, match=r"0\.1\.2"):
        read_model(tmp_path, "challenger")
    archive.write_bytes(b"no archive")
    with pytest.raises(ModelError, match="no skops archive"):
        check_model(tmp_path, "challenger")


@pytest.mark.parametrize("missing", ["challenger.skops", "challenger.json"])
def test_a_model_without_card_or_the_other_way_round_is_refused(tmp_path: Path, missing):
    """A run that was cut off leaves nothing that is taken for whole."""
    write_model(tmp_path, _fit("logistic"), CARD)
    (tmp_path / missing).unlink()
    with pytest.raises(ModelError, match="written to the end"):
        read_model(tmp_path, "challenger")


def test_paddings_of_records_do_not_count():
    """A forest's nodes carry padding that holds whatever lay in memory; it is zero in the archive."""
    frame, label = small_frame()
    model = fit_recipe(RandomForestClassifier(n_estimators=2), frame, label, seed=1)
    archive = dump_model(model)
    checked = 0
    for name, data in read_entries(archive).items():
        dtype = np.load(io.BytesIO(data)).dtype if name.endswith(".npy") else np.dtype("int8")
        if dtype.names is None:
            continue
        size = len(data) - np.prod(np.load(io.BytesIO(data)).shape, dtype=int) * dtype.itemsize
        records = np.frombuffer(data[size:], dtype)
        is_padding = np.ones(dtype.itemsize, bool)
        for field, offset in dtype.fields.values():
            is_padding[offset : offset + field.itemsize] = False
        raw = np.frombuffer(data[size:], np.uint8).reshape(len(records), dtype.itemsize)
        assert is_padding.any()
        assert not raw[:, is_padding].any()
        checked += 1
    assert checked == 2
