"""Models on disk: skops archives, never pickle, in canonical form, made of reviewed types only.

What belongs here: writing and reading models and their cards. What does not: the list of types (``trusted``), and what
models are for.
"""

import hashlib
import io
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.datasets import hash_text, logical_hash, write_atomically
from tasks.errors import ModelError
from tasks.models.canonical import canonicalise, read_entries
from tasks.models.trees import find_open_tree
from tasks.models.trusted import TRUSTED_TYPES
from tasks.records import ModelCard
from tasks.user_code import quote_error

_FIRST_ENTRY, _END, _END_BYTES = b"PK\x03\x04", b"PK\x05\x06", 22
"""How a zip without a comment begins, and how its last record begins, which is so long."""


def dump_model(model: Any) -> bytes:
    """``model`` as a canonical skops archive: equal fits give equal bytes.

    Raises :class:`~tasks.errors.ModelError` naming the type where the model holds one that :func:`load_model` would refuse, as
    an own class of a user's file is: refused when it is trained, not when it is to be judged.
    """
    import skops.io

    name = type(model).__name__
    try:
        archive = skops.io.dumps(model)
    except Exception as error:
        raise _not_storable(name, quote_error(error)) from None
    _require_trusted(archive, f"model {name}")
    return canonicalise(archive)


def load_model(source: bytes | Path) -> Any:
    """The model in a skops archive, given as bytes or as a file.

    Raises :class:`~tasks.errors.ModelError` where it is no archive, holds a type that is not on the list, was stored by
    another release of scikit-learn, or holds a tree that points out of itself.
    """
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning

    where = f"model {source}" if isinstance(source, Path) else "stored model"
    try:
        archive = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise _not_loadable(where, error.strerror or type(error).__name__) from None
    _require_trusted(archive, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            model = skops.io.loads(archive, trusted=list(TRUSTED_TYPES))
    except Exception as error:
        raise _not_loadable(where, quote_error(error)) from None
    _require_closed_trees(model, where)
    return model


def model_hash(archive: bytes) -> str:
    """SHA-256 of what is in a canonical archive: names and contents, not the bytes of one zlib's compression.

    Raises :class:`~tasks.errors.ModelError` where it is no archive, or more than one: what lies before or behind it is in no hash.
    """
    if not archive.startswith(_FIRST_ENTRY) or archive[-_END_BYTES:][: len(_END)] != _END:
        raise _not_loadable("stored model", "no skops archive from its first byte to its last")
    try:
        entries = read_entries(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise _not_loadable("stored model", f"no skops archive ({type(error).__name__})") from None
    return hash_text(*(text for name, data in sorted(entries.items()) for text in (name, hashlib.sha256(data).hexdigest())))


def write_model(folder: Path, model: Any, card: ModelCard) -> ModelCard:
    """Write ``<role>.skops`` and, last, ``<role>.json`` into ``folder``; returns the card with the model's logical hash.

    Raises :class:`~tasks.errors.ModelError` as :func:`dump_model` does. A run that is cut off leaves no card.
    """
    archive = dump_model(model)
    card = card.model_copy(update={"logical_hash": model_hash(archive)})
    remove_model(folder, card.role)
    write_atomically(folder / f"{card.role}.skops", archive)
    write_atomically(folder / f"{card.role}.json", card.to_json().encode())
    return card


def write_scores(folder: Path, scores: pa.Table, card: ModelCard) -> ModelCard:
    """Write ``<role>.parquet``, the scores of a model that is known by these alone, and, last, ``<role>.json``."""
    buffer = io.BytesIO()
    pq.write_table(scores, buffer, compression="zstd")
    remove_model(folder, card.role)
    write_atomically(folder / f"{card.role}.parquet", buffer.getvalue())
    write_atomically(folder / f"{card.role}.json", card.to_json().encode())
    return card


def read_scores(folder: Path, role: str) -> tuple[pa.Table, ModelCard] | None:
    """The scores and card that :func:`write_scores` wrote for ``role``, None where it is known by more than its scores.

    Raises :class:`~tasks.errors.ModelError` where the scores are not the card's.
    """
    path, card_path = folder / f"{role}.parquet", folder / f"{role}.json"
    if not (path.exists() and card_path.exists()):
        return None
    card = ModelCard.from_json(card_path.read_bytes(), origin=str(card_path))
    try:
        scores = pq.ParquetFile(path).read()
    except pa.ArrowException as error:
        raise _not_loadable(f"{role} in {folder}", f"scores that cannot be read ({type(error).__name__})") from None
    if logical_hash(scores, ("row_key",)) != card.logical_hash or card.role != role:
        raise _not_loadable(f"{role} in {folder}", "other scores than its card tells of")
    return scores, card


def remove_model(folder: Path, role: str) -> None:
    """Remove a role's model or scores, card first."""
    for suffix in ("json", "skops", "parquet"):
        (folder / f"{role}.{suffix}").unlink(missing_ok=True)


def read_model(folder: Path, role: str) -> tuple[Any, ModelCard]:
    """The model and card that :func:`write_model` wrote for ``role`` (champion or challenger) into ``folder``.

    Raises :class:`~tasks.errors.ModelError` where one of them is missing, or the model is not the card's.
    """
    archive, card = _read_archive(folder, role)
    return load_model(archive), card


def check_model(folder: Path, role: str) -> ModelCard:
    """The card of ``role`` in ``folder``, once model or scores are found to be the card's.

    For whoever asks what a model is and not what it says: its bytes are hashed, and it is not loaded. Another release of
    scikit-learn may have fitted it; whoever loads it is told. Raises :class:`~tasks.errors.ModelError`.
    """
    found = read_scores(folder, role)
    return _read_archive(folder, role)[1] if found is None else found[1]


def _read_archive(folder: Path, role: str) -> tuple[bytes, ModelCard]:
    card_path, path = folder / f"{role}.json", folder / f"{role}.skops"
    if not (card_path.exists() and path.exists()):
        raise _not_loadable(f"{role} in {folder}", "no model, or none that was written to the end")
    card = ModelCard.from_json(card_path.read_bytes(), origin=str(card_path))
    archive = path.read_bytes()
    if model_hash(archive) != card.logical_hash or card.role != role:
        raise _not_loadable(f"{role} in {folder}", "another model than its card tells of")
    return archive, card


def _require_trusted(archive: bytes, where: str) -> None:
    import skops.io

    try:
        unknown = sorted(set(skops.io.get_untrusted_types(data=archive)) - set(TRUSTED_TYPES))
    except Exception as error:
        raise _not_loadable(where, f"no skops archive ({type(error).__name__})") from None
    if unknown:
        raise _not_storable(where, f"the type {', '.join(unknown)}")


def _require_closed_trees(model: Any, where: str) -> None:
    fault = find_open_tree(model)
    if fault is not None:
        raise _not_loadable(where, fault)


def _not_storable(where: str, found: str) -> ModelError:
    return ModelError(
        where,
        found=found,
        expected="a model made of scikit-learn's, numpy's and scipy's own types, which can be stored without pickle",
        next_step="compose the estimator of library classes and functions; own classes, functions and lambdas cannot be stored",
    )


def _not_loadable(where: str, found: str) -> ModelError:
    return ModelError(
        where,
        found=found,
        expected="a skops archive of this release of scikit-learn, made of reviewed types",
        next_step="dvc repro train; a champion of your own: store it again with `tasks.models.dump_model`",
    )
