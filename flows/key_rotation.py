"""A new masking key in the place of the old one: made, named in ``params.yaml``, and recorded.

What belongs here: putting the change of ``params.yaml`` between the two halves of ``tasks.keyholding.rotation``. Prefect is not
imported here: a key is changed without a server.
"""

from flows.params_edit import edit_params
from tasks.keyholding.rotation import begin_rotation, end_rotation
from tasks.masking.rotation import Rotation
from tasks.params import load_params
from tasks.paths import ProjectPaths


def rotate_key(paths: ProjectPaths, new_id: str | None = None) -> Rotation:
    """Change the project's key to a new one under ``new_id`` (none: the next free id); an interrupted rotation goes on.

    Raises :class:`~tasks.errors.MaskingKeyError` where the present key cannot be loaded or the new id cannot be used.
    """
    rotation, changes = begin_rotation(paths, load_params(paths.params), new_id)
    edit_params(paths.params, changes)
    end_rotation(paths, rotation)
    return rotation
