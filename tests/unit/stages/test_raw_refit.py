"""A recipe fitted again on raw rows: what is measured, what is refused, and that nothing raw is written."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from promotable_samples import JUDGED, ON_TRAIN, judge_samples
from raw_samples import make_params

from tasks.datasets import hash_file
from tasks.errors import DatasetError, GateError, MaskingKeyError, ModelError
from tasks.gates import describe_check, require_same_verdict
from tasks.models import Brought, feature_frame, load_model, model_hash, open_model, train_recipe
from tasks.params.models import Recipe
from tasks.records import RefitCheck, Verdict
from tasks.stages import StageContext
from tasks.stages.raw_fits import RawFits, compare_fits
from tasks.stages.raw_refit import Refitted, refit_on_raw
from tasks.stages.refittable import require_refittable

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    """Recipes on both sides, on features of which masking makes two coarse."""
    return judge_samples(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def snapshot(judged: StageContext) -> str:
    return verdict_of(judged).inputs["snapshots"]


@pytest.fixture(scope="module")
def refitted(judged: StageContext, snapshot: str) -> Refitted:
    return refit_on_raw(judged, snapshot)


def verdict_of(context: StageContext) -> Verdict:
    return Verdict.from_json(context.paths.verdict.read_bytes(), origin="test")


def with_models(context: StageContext, **models: Any) -> StageContext:
    """The project with other ``models`` declared; nothing is made of them."""
    return replace(context, params=make_params({}, {**JUDGED, "models": {**JUDGED["models"], **models}}))


def with_feature(name: str, feature: dict[str, Any]) -> dict[str, Any]:
    """The section of features, of which one more, or another, is declared."""
    said = make_params({}, {}).features.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {**said, "columns": {**said["columns"], name: feature}}


def test_the_recipe_is_fitted_again_and_passes_again(judged: StageContext, refitted: Refitted) -> None:
    """Another model, of the view raw, twice the same, beside a champion that was fitted on raw rows too."""
    check = refitted.check
    assert (refitted.card.view, check.repeats, check.champion) == ("raw", "the same model", "fitted again on raw rows")
    assert check.judged_hash == verdict_of(judged).inputs["models/challenger"] != check.refitted_hash
    assert model_hash(refitted.archive) == check.refitted_hash
    assert [outcome.name for outcome in (*check.on_raw, *check.agreement)] == ["ranking", "ranking"]
    require_same_verdict(check, verdict_of(judged), "it")
    assert 0.5 < (check.rank_correlation or 0) < 1
    assert "1 critical outcome passes again on raw rows" in describe_check(check)


def test_on_raw_rows_it_knows_what_masking_made_coarse(refitted: Refitted) -> None:
    """The model tells towns of one region apart."""
    towns = load_model(refitted.archive)[0].transform(_frame("Alton", "Avon"))
    assert (towns[0] != towns[1]).any()


def _frame(*towns: str) -> Any:
    rows = pa.table({**dict.fromkeys(("strong", "medium", "weak", "born", "region"), [0.0] * len(towns)), "city": list(towns)})
    return feature_frame(rows, ("strong", "medium", "weak", "born", "city", "region"))


def test_a_feature_that_masking_makes_by_rule_is_named(refitted: Refitted) -> None:
    """The share of a generalised value: whoever has the raw row can compute it, and is told so."""
    assert refitted.check.by_rule == ("region",)
    assert "region by masking's rule" in describe_check(refitted.check)


def test_nothing_raw_is_written(judged: StageContext, snapshot: str, refitted: Refitted) -> None:
    """No file of the project changes, and the check holds aggregates alone."""
    before = {path: path.read_bytes() for path in judged.paths.root.rglob("*") if path.is_file()}
    assert refit_on_raw(judged, snapshot) == refitted
    assert {path: path.read_bytes() for path in judged.paths.root.rglob("*") if path.is_file()} == before
    assert not any(word in refitted.check.to_json() for word in ("Alton", "Bath", "r00"))


def test_a_recipe_that_raw_rows_mislead_is_refused(tmp_path: Path) -> None:
    """What masking took away told the label on the rows that were fitted on, and tells nothing on those that are judged."""
    ranking = {"metric": "roc_auc", "bound": 0.75, "margin": 0.1, "min_rows": 100, "critical": True}
    gates = {**JUDGED["gates"], "criteria": {**JUDGED["gates"]["criteria"], "ranking": ranking}}
    context = judge_samples(tmp_path, features=with_feature("serial", {"take": "samples.serial"}), gates=gates)
    verdict = verdict_of(context)
    assert verdict.decision == "promote"
    check = refit_on_raw(context, verdict.inputs["snapshots"]).check
    with pytest.raises(GateError) as told:
        require_same_verdict(check, verdict, "it")
    assert "ranking: fail on raw rows" in told.value.found
    assert "ranking: fail beside the model that was judged" in told.value.found


def test_no_restricted_zone(judged: StageContext, snapshot: str, tmp_path: Path) -> None:
    """A clone with the shared remote alone."""
    shutil.copytree(judged.paths.root, tmp_path / "clone", ignore=shutil.ignore_patterns("snapshots"))
    elsewhere = replace(judged, paths=replace(judged.paths, root=tmp_path / "clone"))
    with pytest.raises(DatasetError, match="not here: raw rows lie in the restricted zone alone"):
        require_refittable(elsewhere, snapshot)


def test_no_key(judged: StageContext, snapshot: str, tmp_path: Path) -> None:
    """Raw rows without the key that tells which masked row each became."""
    shutil.copytree(judged.paths.root, tmp_path / "copy", ignore=shutil.ignore_patterns("masking.key"))
    with pytest.raises(MaskingKeyError):
        require_refittable(replace(judged, paths=replace(judged.paths, root=tmp_path / "copy")), snapshot)


def test_another_snapshot(judged: StageContext) -> None:
    """Not the one that the verdict's data was made from."""
    with pytest.raises(DatasetError, match="another snapshot"):
        require_refittable(judged, "f" * 64)


@pytest.mark.parametrize(
    ("challenger", "found"),
    [
        ({"model": "m.skops", "sha256": "0" * 64, "view": "masked"}, "a stored model"),
        ({"score_file": "s.csv", "sha256": "0" * 64, "view": "raw"}, "a score file"),
        ({"command": ["fit", "{train}", "{score}", "{out}"], **ON_TRAIN}, "a program's scores"),
        ({"file": "own.py", "sha256": "0" * 64, **ON_TRAIN}, "a recipe that is a file"),
        ({"estimator": "sklearn.naive_bayes.GaussianNB", "weight": "born", **ON_TRAIN}, "weights that masking changes"),
    ],
)
def test_what_is_no_recipe_of_raw_rows(judged: StageContext, snapshot: str, challenger: dict[str, Any], found: str) -> None:
    """Each is told by its kind; the fitted model that was judged can be promoted still."""
    with pytest.raises(ModelError, match=found):
        require_refittable(with_models(judged, challenger=challenger), snapshot)


def test_a_recipe_file_sees_no_secret(judged: StageContext, snapshot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files may see raw rows: neither the masking key nor who signs is in their environment; afterwards both are again."""
    secrets = (judged.params.masking.key.env, "WINDTUNNEL_SIGNING_KEY")
    monkeypatch.setenv(secrets[0], bytes(range(32)).hex())
    monkeypatch.setenv(secrets[1], "/keys/ada")
    file = judged.paths.root / "own.py"
    lines = ("import os", "from sklearn.naive_bayes import GaussianNB", f"assert not {{*os.environ}} & {set(secrets)}")
    file.write_text("\n".join((*lines, "estimator = GaussianNB()")))
    context = with_models(judged, challenger={"file": "own.py", "sha256": hash_file(file), **ON_TRAIN})
    utility = context.params.masking.utility.model_copy(update={"files": True})
    masking = context.params.masking.model_copy(update={"utility": utility})
    context = replace(context, params=context.params.model_copy(update={"masking": masking}))
    assert require_refittable(context, snapshot)[1].file == "own.py"
    assert set(secrets) <= set(os.environ)


def test_a_champion_that_has_no_raw_view(judged: StageContext, snapshot: str) -> None:
    """A stored model of masked rows is never held against a challenger of raw ones."""
    champion = {"model": "m.skops", "sha256": "0" * 64, "view": "masked"}
    with pytest.raises(ModelError, match="cannot be brought into the view raw"):
        require_refittable(with_models(judged, champion=champion), snapshot)


def test_labels_that_raw_rows_have_otherwise(judged: StageContext, snapshot: str) -> None:
    """A label that counts as another class: nothing is fitted."""
    label = judged.params.label.model_copy(update={"positive": 0})
    with pytest.raises(DatasetError, match="others than those that were judged"):
        refit_on_raw(replace(judged, params=judged.params.model_copy(update={"label": label})), snapshot)


def test_a_feature_that_only_a_key_makes(judged: StageContext, snapshot: str) -> None:
    """A share of a token: production has no token, and no model of it is promoted."""
    features = with_feature("region", {"share": "visits.visit", "equals": "token", "by": ["id"]})
    params = make_params({}, {**JUDGED, "features": features})
    with pytest.raises(GateError, match="region"):
        refit_on_raw(replace(judged, params=params), snapshot)


def test_a_recipe_that_cannot_be_fitted_shows_no_raw_value(
    judged: StageContext, snapshot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the estimator says of raw rows is kept back."""

    def refuse(*_: object, **__: object) -> None:
        raise ModelError("fit", found="ValueError: Alton is no number", expected="e", next_step="n")

    monkeypatch.setattr("tasks.stages.raw_fits.bring_model", refuse)
    with pytest.raises(GateError, match="it cannot be fitted on raw rows") as told:
        refit_on_raw(judged, snapshot)
    assert "Alton" not in str(told.value)


def test_a_fit_that_differs_each_time_is_refused(judged: StageContext) -> None:
    """With how many rows are scored otherwise, and by how much; whoever tried often enough would promote the luckiest."""
    rows = _rows()
    made = [_fit(rows, depth) for depth in (1, 1, 3)]
    assert compare_fits(RawFits(b"", made[0], made[1], None, None), rows, judged) == "the same model"
    renamed = Brought(made[1].card.model_copy(update={"logical_hash": "other"}), made[1].model)
    assert compare_fits(RawFits(b"", made[0], renamed, None, None), rows, judged) == "the same scores"
    with pytest.raises(GateError, match=r"another model each time: .* scores \d+ of 40 rows otherwise"):
        compare_fits(RawFits(b"", made[0], made[2], None, None), rows, judged)


def _rows() -> pa.Table:
    numbers = [float(number) for number in range(40)]
    return pa.table({"row_key": [str(n) for n in numbers], "x": numbers, "label": [int(n) % 3 == 0 for n in range(40)]})


def _fit(rows: pa.Table, depth: int) -> Brought:
    recipe = Recipe(estimator="sklearn.tree.DecisionTreeClassifier", parameters={"max_depth": depth}, **ON_TRAIN)
    model, card = train_recipe(recipe, Path(), lambda _: (("train",), rows), ("x",), seed=1, role="challenger", view="raw")
    return Brought(card.model_copy(update={"logical_hash": str(depth)}), model)


def test_the_judged_model_is_left_as_it_was(judged: StageContext, refitted: Refitted) -> None:
    """What lies in the project's data is of masked rows, before and after."""
    assert open_model(judged.paths.models, "challenger").card.view == "masked"
    assert isinstance(refitted.check, RefitCheck)
