"""Verification: whether a verdict is what its evidence comes to, and its evidence what it claims to be.

What belongs here: holding what lies in a checkout against the verdict, a composition root over stages and capabilities. What does
not: judging anew by other rules, finding verdicts, and fetching data (flows). Nothing is written, and no look is spent.
"""

from tasks.verification.figures import check_figures, check_predictions
from tasks.verification.hashes import check_environment, check_hashes

__all__ = ["check_environment", "check_figures", "check_hashes", "check_predictions"]
