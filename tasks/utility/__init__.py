"""The utility certificate: does the ranking of models survive masking?

What belongs here: which models are compared, how alike two rankings and the decisions that follow from them are, how far columns
moved, and what that comes to. What does not: reading rows, raw or masked, and fitting and measuring models (the stage
``utility`` hands these in, since they are other capabilities').
"""

from tasks.utility.certificate import conclude
from tasks.utility.distances import ColumnSample, measure_distance
from tasks.utility.panel import Candidate, build_panel, weaken
from tasks.utility.ranking import PanelFigures, compare_decisions, compare_rankings
from tasks.utility.sample import draw_rows, spread
from tasks.utility.times import TimesAsYears

__all__ = [
    "Candidate",
    "ColumnSample",
    "PanelFigures",
    "TimesAsYears",
    "build_panel",
    "compare_decisions",
    "compare_rankings",
    "conclude",
    "draw_rows",
    "measure_distance",
    "spread",
    "weaken",
]
