"""Cheats: what somebody could do to stored predictions so that a model passes which should not."""

from tasks.adversary.cheats import Cheat, Door, plan_cheats
from tasks.adversary.sheet import Sheet, open_sheet, worsen

__all__ = ["Cheat", "Door", "Sheet", "open_sheet", "plan_cheats", "worsen"]
