"""Names that the demo's synthetic passengers are given; common ones, some beyond ASCII, so that masking meets them.

What belongs here: the lists, which lie in ``names.json``. What does not: who bears the names.
"""

import json
from pathlib import Path

_NAMES: dict[str, list[str]] = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))
FIRST_NAMES = _NAMES["first"]
FAMILY_NAMES = _NAMES["family"]
