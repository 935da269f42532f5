"""The demo's production: real flights, synthetic passengers, and the model that production runs; the only place that knows them.

What belongs here: the lake that the demo observes, and the published keys that mask and sign it. What does not: observing it.
"""

from tasks.demo.identities import DEMO_FINGERPRINTS, DEMO_IDENTITIES, demo_key_path, demo_public_key, write_demo_identities
from tasks.demo.key import DEMO_KEY_FINGERPRINT, DEMO_KEY_HEX, write_demo_key
from tasks.demo.lake import DemoPeriod, LakeSummary, advance_lake, build_lake, next_as_of
from tasks.demo.marker import MARKER, is_demo_lake

__all__ = [
    "DEMO_FINGERPRINTS",
    "DEMO_IDENTITIES",
    "DEMO_KEY_FINGERPRINT",
    "DEMO_KEY_HEX",
    "MARKER",
    "DemoPeriod",
    "LakeSummary",
    "advance_lake",
    "build_lake",
    "demo_key_path",
    "demo_public_key",
    "is_demo_lake",
    "next_as_of",
    "write_demo_identities",
    "write_demo_key",
]
