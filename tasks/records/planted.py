"""The names of planted challengers: those who measure them and those who judge by them mean the same.

What belongs here: names. What does not: what is planted (``tasks.evaluation``), and what a criterion must do about it
(``tasks.gates``).
"""

SHUFFLED = "labels shuffled"
CONSTANT = "constant scores"
SWAPPED = "swapped columns"
WRECKS = (SHUFFLED, CONSTANT, SWAPPED)
"""Challengers that are no good: each knows nothing of the label, or the opposite of what it knows."""
CHAMPION_AGAIN = "champion as challenger"
BAD_SLICE = "a slice made worse"
"""The largest slice of a search, on which the challenger is as wrong as it can be."""


def bad_slice_of(column: str) -> str:
    """The largest slice of ``column``, on which the challenger is as wrong as it can be."""
    return f"the largest slice of {column} made worse"
