"""Seeds with one root: ``seed`` in ``params.yaml``, spawned by name.

What belongs here: deriving a seed. What does not: drawing anything. Imports nothing of the project.
"""

import hashlib

import numpy as np


def derive_seed(seed: int, name: str) -> int:
    """The seed (0 to 2**32 - 1) of whatever is called ``name``, from the root ``seed``.

    The name, not an order of calls, decides: a new user of randomness moves no other's draws. ``numpy.random.SeedSequence``
    is spawned under the first 128 bits of SHA-256 of the name.
    """
    digest = hashlib.sha256(name.encode()).digest()
    key = tuple(int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4))
    return int(np.random.SeedSequence(seed, spawn_key=key).generate_state(1, np.uint32)[0])
