"""skops archives in canonical form: equal models are equal bytes.

What belongs here: rewriting an archive. What does not: what may be in one (``trusted``), and the model itself. As skops writes
it, an archive holds memory addresses (as ids and file names), the time of writing, and the number of threads of the machine.
"""

import io
import json
import zipfile
from typing import Any

import numpy as np

_EPOCH = (1980, 1, 1, 0, 0, 0)
_SCHEMA = "schema.json"


def canonicalise(archive: bytes) -> bytes:
    """The archive with ids numbered as they come, files named by them and sorted, no times, and one thread.

    Objects that are shared stay shared. Texts and types carry an id per content: whether two equal texts are one object in
    memory is up to Python.
    """
    entries = read_entries(archive)
    schema = json.loads(entries.pop(_SCHEMA))
    numbering = _Numbering()
    _renumber(schema, numbering)
    files = {numbering.files[name]: _canonical_file(name, data) for name, data in entries.items() if name in numbering.files}
    files[_SCHEMA] = json.dumps(schema, separators=(",", ":")).encode()
    return _write_entries(files)


def read_entries(archive: bytes) -> dict[str, bytes]:
    """The files of a zip archive by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        return {name: source.read(name) for name in source.namelist()}


class _Numbering:
    """Old id -> new id, and old file name -> new one, in order of first appearance."""

    def __init__(self) -> None:
        self._ids: dict[object, int] = {}
        self.files: dict[str, str] = {}

    def number(self, identity: object) -> int:
        return self._ids.setdefault(identity, len(self._ids) + 1)

    def rename(self, file: str) -> str:
        suffix = file.rpartition(".")[2]
        return self.files.setdefault(file, f"{len(self.files) + 1:06d}.{suffix}")


def _renumber(node: Any, numbering: _Numbering) -> None:
    """Walk the schema in its own order and put new ids and file names in place."""
    if isinstance(node, list):
        for entry in node:
            _renumber(entry, numbering)
    elif isinstance(node, dict):
        loader = node.get("__loader__")
        if loader == "SetNode" and isinstance(node.get("content"), list):
            node["content"].sort(key=_without_ids)  # a set's order differs from process to process
        if node.get("__class__") == "_BinMapper":
            _forget_threads(node)
        if loader == "PartialNode":
            _forget_empty_namespace(node["content"])
        if "__id__" in node:
            node["__id__"] = numbering.number(_identity(node, loader))
        if isinstance(node.get("file"), str):
            node["file"] = numbering.rename(node["file"])
        for value in node.values():
            if isinstance(value, dict | list):
                _renumber(value, numbering)


def _identity(node: dict[str, Any], loader: str | None) -> object:
    if loader == "JsonNode":
        return ("json", node.get("__class__"), node.get("content"))
    if loader == "TypeNode":
        return ("type", node.get("__module__"), node.get("__class__"))
    return node["__id__"]


def _without_ids(node: Any) -> str:
    if isinstance(node, dict):
        return json.dumps({name: _without_ids(value) for name, value in node.items() if name != "__id__"}, sort_keys=True)
    return json.dumps([_without_ids(entry) for entry in node]) if isinstance(node, list) else json.dumps(node)


def _forget_threads(node: dict[str, Any]) -> None:
    """The bin mapper of gradient boosting remembers how many threads the machine had; it decides speed only."""
    for holder in (node.get("content"), (node.get("content") or {}).get("content")):
        threads = holder.get("n_threads") if isinstance(holder, dict) else None
        if isinstance(threads, dict):
            threads["content"] = "1"


def _forget_empty_namespace(content: dict[str, Any]) -> None:
    """A ``functools.partial`` without attributes has none, or an empty dict once somebody has looked."""
    namespace = content.get("namespace")
    if isinstance(namespace, dict) and namespace.get("__loader__") == "DictNode" and not namespace["content"]:
        empty = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "null", "is_json": True}
        content["namespace"] = empty | {"__id__": namespace["__id__"]}


def _canonical_file(name: str, data: bytes) -> bytes:
    if name.endswith(".npz"):
        return _write_entries({entry: _canonical_file(entry, content) for entry, content in read_entries(data).items()})
    if not name.endswith(".npy"):
        return data
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names is None:
        return data
    clean = np.zeros(array.shape, array.dtype)  # a record's padding holds whatever lay in memory
    for field in array.dtype.names:
        clean[field] = array[field]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _write_entries(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            target.writestr(entry, files[name], compresslevel=6)
    return buffer.getvalue()
