"""A verdict's model on its way into the registry: read from where it was judged, logged with its run, and held against its hash.

What belongs here: which files and facts are registered, of the model that was judged or of its recipe fitted again. What does not:
whether it may be (``flows.promotion``), and MLflow.
"""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from flows.verdict_store import StoredVerdict, envelope_path, receipt_path
from tasks.datasets import write_atomically
from tasks.errors import ModelError, RegistryError
from tasks.gates import describe_check, require_same_verdict
from tasks.models import TRUSTED_TYPES, find_archive, model_hash, read_model
from tasks.params import load_params
from tasks.params.splits import ALL_FOLDS
from tasks.paths import ProjectPaths, make_private
from tasks.records import ModelCard, RefitCheck, Verdict, View
from tasks.registry import Registry, RunFacts, describe_refit, describe_run
from tasks.stages import StageContext
from tasks.stages.raw_refit import refit_on_raw
from tasks.stages.refittable import require_refittable

_MODEL_FILE = "model.skops"


@dataclass(frozen=True)
class Candidate:
    """A model that may become champion, with its verdict and the files that tell of both."""

    verdict: Verdict
    sha256: str
    """Of the verdict's bytes."""
    logical_hash: str
    facts: RunFacts
    files: dict[str, bytes]
    """Path among the run's artifacts -> content."""
    view: View
    """What the model was fitted on."""
    check: RefitCheck | None = None
    """How the recipe was held against its verdict; None where the fitted model itself is the candidate."""

    @property
    def told(self) -> dict[str, str]:
        """What the event log says of it."""
        told = {"promoted": "fitted_model" if self.check is None else "recipe", "view": self.view}
        if self.check is None:
            return told
        figures = self.check.model_dump(mode="json", include={"rows", "rank_correlation", "same_decisions", "repeats", "champion"})
        outcomes = {"on_raw": self.check.on_raw, "beside_judged": self.check.agreement}
        for where, found in outcomes.items():
            figures[where] = {one.name: [one.status, one.challenger, one.champion] for one in found if one.is_critical}
        return {**told, "check": describe_check(self.check), "check_figures": json.dumps(figures, sort_keys=True)}


def needed_to_register(*, is_refit: bool) -> tuple[str, ...]:
    """The outputs that :func:`require_registrable` reads, by path."""
    return ("data/snapshots",) if is_refit else ("data/models",)


def require_registrable(tree: ProjectPaths, stored: StoredVerdict, *, is_refit: bool) -> None:
    """Refuse a verdict in the checkout ``tree`` of which no model can be registered, before anybody is asked, or verifies it.

    Raises as :func:`read_candidate` does; with ``is_refit`` as :func:`~tasks.stages.refittable.require_refittable` does.
    """
    if is_refit:
        require_refittable(StageContext(tree, load_params(tree.params)), stored.verdict.inputs.get("snapshots", ""))
    else:
        _require_judged_model(tree, stored)


def read_candidate(tree: ProjectPaths, stored: StoredVerdict, branch: str) -> Candidate:
    """The challenger that the verdict in the checkout ``tree`` judged; ``branch`` keeps what it rests on.

    Raises :class:`~tasks.errors.ModelError` where it is known by its scores only, or is not the model that was judged.
    """
    verdict, content = stored.verdict, stored.content
    model, card, digest = _require_judged_model(tree, stored)
    sha256 = hashlib.sha256(content).hexdigest()
    facts = describe_run(verdict, sha256, card, stored.receipt, branch)
    return Candidate(verdict, sha256, digest, facts, _files(tree, content, card, model.read_bytes()), card.view)


def _require_judged_model(tree: ProjectPaths, stored: StoredVerdict) -> tuple[Path, ModelCard, str]:
    """The challenger's archive, its card and its logical hash."""
    model, scores = tree.models / "challenger.skops", tree.models / "challenger.parquet"
    if not model.is_file() and not scores.is_file() and stored.params.evaluation.part != ALL_FOLDS:
        raise ModelError(
            f"the challenger of verdict {stored.name}",
            found="not here: data/models holds neither a model nor scores of it, and neither cache nor remote gave it",
            expected="data/models as it was judged",
            next_step="dvc push --remote shared where it was judged, then try again; or promote it there",
        )
    if not model.is_file():
        raise ModelError(
            f"the challenger of verdict {stored.name}",
            found="scores only: a program's, a file's, or those of a model for each fold",
            expected="one fitted model, which a registry can hold",
            next_step="judge a recipe on one part, or a stored model (docs/challengers.md)",
        )
    card = read_model(tree.models, "challenger")[1]
    if card.logical_hash is None or card.logical_hash != stored.verdict.inputs.get("models/challenger"):
        raise ModelError(
            f"the challenger of verdict {stored.name}",
            found="another model than the one that was judged",
            expected="the model that the verdict names",
            next_step="windtunnel verify names what was changed",
        )
    return model, card, card.logical_hash


def refit_candidate(tree: ProjectPaths, stored: StoredVerdict, branch: str) -> Candidate:
    """The challenger's recipe of the verified verdict in the checkout ``tree``, fitted again on raw rows and held against it.

    Raises :class:`~tasks.errors.GateError` where it is not what the verdict judged any more, and as
    :func:`~tasks.stages.raw_refit.refit_on_raw` does.
    """
    context = StageContext(tree, load_params(tree.params))
    is_later = stored.look is not None and stored.look.number > 1
    refitted = refit_on_raw(context, stored.verdict.inputs.get("snapshots", ""), is_later=is_later)
    require_same_verdict(refitted.check, stored.verdict, stored.name)
    card, check, content = refitted.card, refitted.check, stored.content
    sha256 = hashlib.sha256(content).hexdigest()
    facts = describe_run(stored.verdict, sha256, card, stored.receipt, branch)
    facts = describe_refit(facts, card, check, describe_check(check))
    files = {**_files(tree, content, card, refitted.archive), "model/check.json": check.to_json().encode()}
    return Candidate(stored.verdict, sha256, check.refitted_hash, facts, files, card.view, check)


@contextmanager
def private_folder(main: ProjectPaths) -> Iterator[Path]:
    """A folder for a model's files on their way: it may hold raw values, so that it lies in the restricted zone, and is gone after.

    What a killed run left goes too: whoever asks holds the lock of promotions.
    """
    shutil.rmtree(main.raw_models, ignore_errors=True)
    make_private(main.raw_models)
    try:
        yield main.raw_models
    finally:
        shutil.rmtree(main.raw_models, ignore_errors=True)


def log_verdict(registry: Registry, experiment: str, where: str, tree: ProjectPaths, stored: StoredVerdict) -> str:
    """Log the verdict in the checkout ``tree`` as a run of MLflow's, or find its run; its id."""
    card_path, model = tree.models / "challenger.json", tree.models / "challenger.skops"
    card = ModelCard.from_json(card_path.read_bytes(), origin=card_path.name) if card_path.is_file() else None
    facts = describe_run(stored.verdict, hashlib.sha256(stored.content).hexdigest(), card, stored.receipt, stored.name)
    files = _files(tree, stored.content, card, model.read_bytes() if model.is_file() else None)
    with tempfile.TemporaryDirectory(prefix="windtunnel-mlflow-") as folder:
        return registry.log_run(experiment, facts, _lay_down(files, Path(folder)), _artifacts_beside(where))


def _files(tree: ProjectPaths, content: bytes, card: ModelCard | None, archive: bytes | None) -> dict[str, bytes]:
    files = {} if card is None else {"model/card.json": card.to_json().encode()}
    files |= {} if archive is None else {f"model/{_MODEL_FILE}": archive}
    receipt = receipt_path(tree, content)
    beside = {
        "params.yaml": tree.params,
        "pin.json": tree.pin,
        "receipt.json": receipt,
        "verdict.dsse": envelope_path(tree, content),
        "report.html": tree.report_page,
        "verdict.md": tree.report_markdown,
    }
    files["verdict/verdict.json"] = content
    return files | {f"verdict/{name}": path.read_bytes() for name, path in beside.items() if path.is_file()}


def register(registry: Registry, model: str, where: str, candidate: Candidate, folder: Path) -> str:
    """Log the candidate's run and register its model, or find both; returns the version.

    ``folder``, empty, is for its files. Raises :class:`~tasks.errors.RegistryError` where the registry then holds another model.
    """
    logged = _lay_down(candidate.files, folder / "logged")
    flavor = {
        "pickled_model": _MODEL_FILE,
        "sklearn_version": version("scikit-learn"),
        "serialization_format": "skops",
        "code": None,
        "skops_trusted_types": list(TRUSTED_TYPES),
    }
    artifacts = _artifacts_beside(where)
    run = registry.log_run(model, candidate.facts, logged, artifacts)
    made = registry.register(model, run, candidate.facts, flavor)
    try:
        require_registered(registry, model, made.version, candidate.logical_hash, folder / "found")
    except RegistryError:  # the files of an earlier registration are gone, or others by now: it becomes a version of its own
        run = registry.log_run(model, candidate.facts, logged, artifacts, is_anew=True)
        made = registry.register(model, run, candidate.facts, flavor)
        require_registered(registry, model, made.version, candidate.logical_hash, folder / "anew")
    return made.version


def _lay_down(files: Mapping[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        write_atomically(folder / name, content)
    return folder


def require_registered(registry: Registry, model: str, wanted: str, logical_hash: str, folder: Path) -> None:
    """Refuse a version, or an alias, whose model the registry has lost, or holds as another than the one that was promoted.

    Raises :class:`~tasks.errors.RegistryError`. ``folder`` is for its files.
    """
    folder.mkdir(exist_ok=True)
    uri = f"models:/{model}/{wanted}" if wanted.isdecimal() else f"models:/{model}@{wanted}"
    try:
        found = model_hash(find_archive(registry.download(uri, folder), uri))
    except (RegistryError, ModelError) as error:
        raise RegistryError(
            uri,
            found=f"no model that can be fetched ({error.found})",
            expected="the model that was promoted",
            next_step="is the registry up, and were version or files deleted? What was judged is still on its branch: "
            "windtunnel champion names it, and windtunnel promote <branch> (of a recipe with --refit raw) registers it anew",
        ) from None
    if found != logical_hash:
        raise RegistryError(
            uri,
            found=f"another model ({found[:12]})",
            expected=f"the model that was promoted ({logical_hash[:12]})",
            next_step="find out who wrote into the registry; then windtunnel promote the verdict anew, as a version of its own",
        )


def _artifacts_beside(where: str) -> str | None:
    """Beside a SQLite registry, whose default is wherever the process stands; a server knows its own place."""
    matched = re.fullmatch(r"sqlite:///(/.+)", where)
    return (Path(matched[1]).parent / "artifacts").as_uri() if matched else None
