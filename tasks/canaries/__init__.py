"""Canaries: marker rows in the restricted zone whose values must never be seen outside it, and the search for them.

What belongs here: making markers, planting them beside the snapshot, and looking for them in every byte of a file. What does not:
masking, and which places are searched (the composition roots). How and why: ``docs/decisions/0023-canaries.md``.
"""

from tasks.canaries.markers import ColumnFate, Marker, make_markers
from tasks.canaries.needles import Needles
from tasks.canaries.planting import MARKERS_FILE, Planted, plant, read_planted
from tasks.canaries.search import Hit, search_buffer, search_file, search_files

__all__ = [
    "MARKERS_FILE",
    "ColumnFate",
    "Hit",
    "Marker",
    "Needles",
    "Planted",
    "make_markers",
    "plant",
    "read_planted",
    "search_buffer",
    "search_file",
    "search_files",
]
