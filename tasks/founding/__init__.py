"""Founding a project: from a lake and a label to files that run.

What belongs here: a composition root beside the stages, which wires sources, projects and the search for leaks. What does not:
any of the steps, and Git, DVC and the terminal, which are the flow's.
"""

from tasks.founding.lake import find_lake_tables
from tasks.founding.project import Founded, anonymity_words, found_project

__all__ = ["Founded", "anonymity_words", "find_lake_tables", "found_project"]
