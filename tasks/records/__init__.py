"""The nouns that capabilities hand each other, as frozen records with a stable JSON form.

What belongs here: values that cross from one capability to another, and their JSON. What does not: behaviour, and parameters
(``tasks.params``).
"""

from tasks.records.adversary import CheatOutcome, DoorTried, FoolReport
from tasks.records.backtest import Backtest, BacktestCandidate, BacktestDecision, MarginTally
from tasks.records.base import Direction, Record, View
from tasks.records.blocks import BlockEvidence, BlockFigure, PackedNumbers, Unpublished
from tasks.records.disclosure import (
    AttackOutcome,
    DisclosureReport,
    GeneralisedColumn,
    KnownColumnRisk,
    SensitiveColumnRisk,
    Share,
    ViewRisk,
)
from tasks.records.evaluation import (
    AreaErrors,
    ClassOutcome,
    ClassScores,
    Comparison,
    Discordance,
    Discovery,
    Drift,
    Evaluation,
    FeatureDrift,
    FoldsJudged,
    Interval,
    NoiseFloor,
    Replicates,
    ResidualBin,
    Spread,
    SuspectSlice,
)
from tasks.records.events import Event, EventKind, LooksLeft, LookTaken
from tasks.records.flips import Flip
from tasks.records.lake import Manifest, PartitionRecord, Pin, PinnedFile, PinnedTable, TableRecord
from tasks.records.measured import EvidenceKind, Measure, MeasuredEvidence
from tasks.records.models import ModelCard
from tasks.records.monitoring import Monitoring, MonitoringStatus
from tasks.records.planning import PlannedTest
from tasks.records.planted import BAD_SLICE, CHAMPION_AGAIN, CONSTANT, SHUFFLED, SWAPPED, WRECKS, bad_slice_of
from tasks.records.privacy import (
    ColumnTreatment,
    FakedColumn,
    JoinCounts,
    JoinMeasure,
    PersonalDataFinding,
    PrivacyReport,
    SuppressedRows,
)
from tasks.records.promotion import Champion, Championship, RefitCheck, RolledBack
from tasks.records.signing import PolicyChange, PolicyVersion, Promotable, SignedStatement, Statement
from tasks.records.splits import SplitMetadata
from tasks.records.utility import (
    Agreement,
    ColumnDistance,
    DistanceMeasure,
    RankCorrelation,
    UtilityOutcome,
    UtilityReport,
)
from tasks.records.validation import ExpectationOutcome, Finding, SuiteOutcome, ValidationReport
from tasks.records.verdict import (
    ChampionTest,
    CriterionOutcome,
    CriterionStatus,
    Decision,
    LaterLooks,
    LaterOutcome,
    Receipt,
    RiskStatement,
    Verdict,
)
from tasks.records.verification import Check, CheckStatus, Verification

__all__ = [
    "BAD_SLICE",
    "CHAMPION_AGAIN",
    "CONSTANT",
    "SHUFFLED",
    "SWAPPED",
    "WRECKS",
    "Agreement",
    "AreaErrors",
    "AttackOutcome",
    "Backtest",
    "BacktestCandidate",
    "BacktestDecision",
    "BlockEvidence",
    "BlockFigure",
    "Champion",
    "ChampionTest",
    "Championship",
    "CheatOutcome",
    "Check",
    "CheckStatus",
    "ClassOutcome",
    "ClassScores",
    "ColumnDistance",
    "ColumnTreatment",
    "Comparison",
    "CriterionOutcome",
    "CriterionStatus",
    "Decision",
    "Direction",
    "DisclosureReport",
    "Discordance",
    "Discovery",
    "DistanceMeasure",
    "DoorTried",
    "Drift",
    "Evaluation",
    "Event",
    "EventKind",
    "EvidenceKind",
    "ExpectationOutcome",
    "FakedColumn",
    "FeatureDrift",
    "Finding",
    "Flip",
    "FoldsJudged",
    "FoolReport",
    "GeneralisedColumn",
    "Interval",
    "JoinCounts",
    "JoinMeasure",
    "KnownColumnRisk",
    "LaterLooks",
    "LaterOutcome",
    "LookTaken",
    "LooksLeft",
    "Manifest",
    "MarginTally",
    "Measure",
    "MeasuredEvidence",
    "ModelCard",
    "Monitoring",
    "MonitoringStatus",
    "NoiseFloor",
    "PackedNumbers",
    "PartitionRecord",
    "PersonalDataFinding",
    "Pin",
    "PinnedFile",
    "PinnedTable",
    "PlannedTest",
    "PolicyChange",
    "PolicyVersion",
    "PrivacyReport",
    "Promotable",
    "RankCorrelation",
    "Receipt",
    "Record",
    "RefitCheck",
    "Replicates",
    "ResidualBin",
    "RiskStatement",
    "RolledBack",
    "SensitiveColumnRisk",
    "Share",
    "SignedStatement",
    "SplitMetadata",
    "Spread",
    "Statement",
    "SuiteOutcome",
    "SuppressedRows",
    "SuspectSlice",
    "TableRecord",
    "Unpublished",
    "UtilityOutcome",
    "UtilityReport",
    "ValidationReport",
    "Verdict",
    "Verification",
    "View",
    "ViewRisk",
    "bad_slice_of",
]
