"""The masking key of a stage: loaded, allowed for this lake, and the one that its id has always named.

What belongs here: wiring key loading, the demo's published key and the records of earlier keys. What does not: any of these.
No stage of its own: ``mask`` and ``split`` call it.
"""

from tasks.datasets import MANIFEST
from tasks.demo import DEMO_KEY_FINGERPRINT, is_demo_lake
from tasks.errors import DatasetError
from tasks.masking import MaskingKey, bind_key, load_key, require_same_key
from tasks.paths import ProjectPaths, main_root
from tasks.records import Manifest
from tasks.sources import resolve_lake
from tasks.stages import StageContext


def load_stage_key(context: StageContext) -> MaskingKey:
    """The key that ``masking.key`` names.

    Raises :class:`~tasks.errors.MaskingKeyError` where it is missing, badly kept, the demo's on another lake, or another
    than the masked data here, or an earlier run of this project, had under the same id.
    """
    paths = context.paths
    is_demo = is_demo_lake(resolve_lake(context.params.snapshot.lake, paths.root))
    refused = None if is_demo else DEMO_KEY_FINGERPRINT
    key = load_key(context.params.masking.key, paths.root, demo_fingerprint_refused=refused)
    require_same_key(key, _masked_with(paths), origin=f"{paths.masked.name}/{MANIFEST}")
    bind_key(key, ProjectPaths(main_root(paths.root)).key_registry)
    return key


def _masked_with(paths: ProjectPaths) -> dict[str, str]:
    """Id and fingerprint of the key that made the masked data that lies here, perhaps pulled from another machine."""
    path = paths.masked / MANIFEST
    try:
        about = Manifest.from_json(path.read_bytes(), origin=str(path)).about
    except (FileNotFoundError, DatasetError):  # nothing was masked yet, or nothing of it will be reused
        return {}
    return {about["key_id"]: about["key_fingerprint"]} if {"key_id", "key_fingerprint"} <= set(about) else {}
