"""Whole runs as records, as the other stages leave them: a rejection, a promotion, and the two verdicts that decide nothing.

The verdicts are the gate's own, so that what is drawn is what a user will see. Figures are made by formula, without randomness.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from scipy import stats
from utility_reports import utility_report

from tasks.datasets import hash_text
from tasks.evaluation.spread import tails_of
from tasks.gates import Provenance as GateProvenance
from tasks.gates import judge
from tasks.params import Params, load_params
from tasks.params.judging import EvidenceCriterion, GatesParams
from tasks.records import (
    AttackOutcome,
    BlockEvidence,
    ColumnTreatment,
    Comparison,
    CriterionOutcome,
    DisclosureReport,
    Evaluation,
    ExpectationOutcome,
    Finding,
    GeneralisedColumn,
    Interval,
    JoinCounts,
    JoinMeasure,
    KnownColumnRisk,
    Manifest,
    ModelCard,
    PartitionRecord,
    PersonalDataFinding,
    Pin,
    PinnedFile,
    PinnedTable,
    PrivacyReport,
    Replicates,
    SensitiveColumnRisk,
    Share,
    SplitMetadata,
    Spread,
    SuiteOutcome,
    TableRecord,
    ValidationReport,
    Verdict,
    ViewRisk,
)
from tasks.reporting import CalibrationBin, Provenance, ReportInputs, RocPoint

ROOT = Path(__file__).resolve().parents[3]
PARAMS: Params = load_params(ROOT / "params.yaml")
SUBJECTS = ("raw", "masked", "splits", "features", "predictions")
NO_BLOCKS = BlockEvidence(figures=(), unpublished=(), cluster="day", confidence=0.95, k=PARAMS.masking.limits.k, has_weights=False)
_METRICS = {
    "roc_auc": ("higher_is_better", 0.6214, 0.7481),
    "log_loss": ("lower_is_better", 0.5391, 0.5022),
    "brier": ("lower_is_better", 0.1772, 0.1630),
}
_CLUSTERS = 59
_ORIGINS = ("EWR", "JFK", "LGA")
_CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
_TABLES = ("bookings", "flights", "outcomes", "planes", "predictions", "weather")


@dataclass(frozen=True)
class Story:
    """What differs between the runs: differences in ROC AUC per slice, widths, and what is missing."""

    shift: float = 0.0
    """Added to the challenger's advantage everywhere, in ROC AUC."""
    worse: tuple[tuple[str, float], ...] = ()
    """(slice value, difference in ROC AUC) that override the rule."""
    width: float = 1.0
    missing: tuple[str, ...] = ()
    has_champion: bool = True
    failing: str | None = None
    """Validation subject that did not pass."""
    carriers: tuple[str, ...] = _CARRIERS
    rows: int = 48_213


STORIES = {
    "reject": Story(worse=(("LGA", -0.0712), ("MQ", -0.1214))),
    "promote": Story(),
    "inconclusive": Story(worse=(("LGA", -0.0089),), width=2.2),
    "not_judged": Story(missing=("origin=LGA", "carrier=OO")),
    "rubber_stamp": Story(has_champion=False),
    "failed_validation": Story(failing="features"),
    "slightly_worse": Story(shift=-0.1268),
}
HOSTILE = '<script>alert("x")</script>&\'"><img src=http://evil.invalid/x.png> | `x` \u202eb'


def story_inputs(name: str, **changes: object) -> ReportInputs:
    """The report's inputs of one of ``STORIES``, with fields of its :class:`Story` changed."""
    return build_inputs(replace(STORIES[name], **changes))  # type: ignore[arg-type]


def build_inputs(story: Story) -> ReportInputs:
    pin = make_pin()
    pin_hash = sha(pin.to_json())
    masked = _manifest(
        "masked", _TABLES, {"view": "masked", "snapshots": sha("snapshots"), "pin": pin_hash, "policy": sha("policy")}
    )
    features = _manifest("features", ("features",), {"view": "masked", "masked": masked.logical_hash})
    split = _split()
    challenger = _challenger()
    inputs = {
        "features": features.logical_hash,
        "masked": masked.logical_hash,
        "snapshots": sha("snapshots"),
        "splits/by_time": split.logical_hash,
        "models/challenger": challenger.logical_hash or "",
        "predictions": sha("predictions"),
        "pin": pin_hash,
    }
    evaluation = make_evaluation(story, challenger, inputs)
    examined = {"raw": "snapshots", "splits": "splits/by_time"}
    reports = {}
    for subject in SUBJECTS:
        name = examined.get(subject, subject)
        validated = make_validation(subject, is_passed=subject != story.failing)
        reports[subject] = validated.model_copy(update={"inputs": {name: inputs[name]}})
    files = {"pin": pin_hash, "evaluation": sha(evaluation.to_json())}
    disclosure = make_disclosure({"masked": masked.logical_hash, "features": features.logical_hash})
    files["disclosure"] = sha(disclosure.to_json())
    certificate = utility_report({name: inputs[name] for name in ("snapshots", "masked", "features", "splits/by_time")})
    files["utility"] = sha(certificate.to_json())
    files |= {f"validation/{subject}": sha(report.to_json()) for subject, report in reports.items()}
    provenance = GateProvenance(
        split="by_time", part="test", params_hash=sha("params"), inputs=files, seeds={"root": PARAMS.seed, "bootstrap": 771_240_113}
    )
    gates = PARAMS.gates if story.has_champion else _bounds_only(PARAMS.gates)
    verdict = judge(evaluation, reports, gates, provenance, disclosure=disclosure, utility=certificate)
    return ReportInputs(
        provenance=Provenance(
            verdict=verdict,
            evaluation=evaluation,
            challenger=challenger,
            features=features,
            split=split,
            masked=masked,
            privacy=make_privacy(),
            pin=pin,
            files={**files, "verdict": sha(verdict.to_json())},
        ),
        validations=tuple(reports.values()),
        disclosure=disclosure,
        utility=certificate,
        roc=_roc(story.has_champion),
        calibration=_calibration(story.has_champion),
        params=PARAMS,
        verdict_bytes=verdict.to_json().encode(),
        blocks=NO_BLOCKS,
        versions=(("duckdb", "2.0.0"), ("scikit-learn", "1.9.1")),
    )


def make_disclosure(inputs: dict[str, str], *, is_released: bool = True) -> DisclosureReport:
    """The demo's risk; not released: a shifted date that tells some two thousand people apart, and what would mend it."""
    rate = Share(value=0.0, low=0.0, high=0.0019)
    attacks = ("singling out", "linkage", "inference")
    view = ViewRisk(
        who="each passenger",
        tables=("bookings", "flights"),
        people=73_262,
        smallest=17 if is_released else None,
        below=0 if is_released else 2457,
        unique=0 if is_released else None,
        highest=1 / 17 if is_released else None,
        average=0.0014,
        columns=tuple(
            KnownColumnRisk(column=f"bookings.{name}", treatment=rule, below_without=0)
            for name, rule in (("birth_date", "generalise to decade"), ("postcode", "generalise keep_prefix 2"))
        ),
        sensitive=(
            SensitiveColumnRisk(column="bookings.illness", distinct=4, entropy=2.83, closeness=0.21, distance="total variation"),
        ),
        attacks=tuple(
            AttackOutcome(
                attack=name,
                column="bookings.illness" if name == "inference" else None,
                targets=2000,
                success=rate,
                control=rate if name != "linkage" else None,
                excess=rate if name != "linkage" else None,
            )
            for name in attacks
        ),
        exceeded=() if is_released else ("k: 3.35% of people stand in a crowd of fewer than 5 (limit: 0.00% of people)",),
        proposal=()
        if is_released
        else (
            GeneralisedColumn(
                column="bookings.postcode",
                becomes="transform: generalise, keep_prefix: 1",
                information_lost=0.38,
                features=("passenger_local_share",),
                quality="not measured: it reaches the model through other rows",
            ),
        ),
    )
    return DisclosureReport(
        is_released=is_released,
        statement="Whatever these figures say, masked data is pseudonymised and still personal data.",
        limits=PARAMS.masking.limits.model_dump(),
        inputs=inputs,
        views=(view,),
    )


def _bounds_only(gates: GatesParams) -> GatesParams:
    """The criteria that a first model can be held to."""
    kept = {n: c for n, c in gates.criteria.items() if isinstance(c, EvidenceCriterion) or c.bound is not None}
    return gates.model_copy(update={"criteria": kept})


def story_verdict(name: str) -> Verdict:
    return story_inputs(name).provenance.verdict


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_evaluation(story: Story, challenger: ModelCard, inputs: dict[str, str]) -> Evaluation:
    groups: list[tuple[str | None, str | None, int]] = [(None, None, story.rows)]
    groups += [("carrier", value, max(40, story.rows // (4 + 3 * i * i))) for i, value in enumerate(story.carriers)]
    groups += [("origin", value, story.rows // 3 + 900 * i) for i, value in enumerate(_ORIGINS)]
    present = [(c, v, n) for c, v, n in groups if f"{c}={v}" not in story.missing]
    return Evaluation(
        split="by_time",
        part="test",
        rows=story.rows,
        days=59,
        unlabelled_rows=1_204,
        unscored_rows=311,
        from_utc="2013-09-02T04:00:00Z",
        to_utc="2013-10-30T23:59:00Z",
        champion=make_champion() if story.has_champion else None,
        challenger=challenger,
        judged="recipe",
        interval_method="cluster_bootstrap",
        cluster="day",
        replicates=2000,
        confidence=0.95,
        seeds={"bootstrap": 771_240_113},
        comparisons=tuple(_comparison(story, metric, c, v, n) for c, v, n in present for metric in _METRICS),
        missing_slices=story.missing,
        inputs=inputs,
        tails=tails_of(2000),
    )


def _comparison(story: Story, metric: str, column: str | None, value: str | None, rows: int) -> Comparison:
    direction, champion, challenger = _METRICS[metric]
    sign = 1 if direction == "higher_is_better" else -1
    wobble = ((len(value or "") * 7 + sum(map(ord, value or ""))) % 11 - 5) / 250
    worse = dict(story.worse).get(value or "")
    scale = 1.0 if metric == "roc_auc" else 0.3
    delta = (challenger - champion) + sign * scale * (wobble + story.shift) if worse is None else sign * worse * scale
    half = story.width * scale * 1.15 / rows**0.5
    interval = Interval(low=delta - half, high=delta + half, confidence=0.95)
    own = Interval(low=champion + delta - half, high=champion + delta + half, confidence=0.95)
    return Comparison(
        metric=metric,
        direction=direction,  # type: ignore[arg-type]
        slice_column=column,
        slice_value=value,
        rows=rows,
        positives=rows // 5,
        clusters=_CLUSTERS,
        champion=champion if story.has_champion else None,
        challenger=champion + delta,
        delta=delta if story.has_champion else None,
        champion_interval=Interval(low=champion - half, high=champion + half, confidence=0.95) if story.has_champion else None,
        challenger_interval=own,
        delta_interval=interval if story.has_champion else None,
        reason="" if story.has_champion else "no champion",
        spread=Spread(
            challenger=_replicates(champion + delta, half),
            delta=_replicates(delta, half) if story.has_champion else None,
            relative=None,
        ),
        noise_floor=0.001,
    )


def _replicates(middle: float, half: float) -> Replicates:
    """Normal ones, whose expanded interval of 95 % reaches ``half`` to each side."""
    error = half / (stats.t.ppf(0.975, _CLUSTERS - 1) * (_CLUSTERS / (_CLUSTERS - 1)) ** 0.5)
    return Replicates(quantiles=tuple(map(float, stats.norm(middle, error).ppf(tails_of(2000)))), below=0.5, acceleration=0.0)


def make_champion() -> ModelCard:
    return ModelCard(
        role="champion", name="production-2013-04", basis="logged_scores", estimator="unknown", parameters="{}", view="raw",
        split=None, part=None, rows=None, features=(), seed=None, logical_hash=None,
    )  # fmt: skip


def _challenger() -> ModelCard:
    return ModelCard(
        role="challenger",
        name="HistGradientBoostingClassifier",
        basis="recipe",
        estimator="sklearn.ensemble.HistGradientBoostingClassifier",
        parameters='{"learning_rate": 0.06, "max_iter": 300, "random_state": 1193046}',
        view="masked",
        split="by_time",
        part="train",
        rows=198_442,
        features=tuple(PARAMS.features.columns),
        seed=1_193_046,
        logical_hash=sha("model"),
    )


def _manifest(name: str, tables: tuple[str, ...], about: dict[str, str]) -> Manifest:
    def record(table: str) -> TableRecord:
        path, digest = f"{table}/day=2013-09-01/part-0.parquet", sha(table)
        partition = PartitionRecord(path=path, rows=980, bytes=51_200, sha256=digest, logical_hash=digest, reuse_key=digest)
        return TableRecord(key=("id",), columns={"id": "string"}, partitions=(partition,))

    records = {table: record(table) for table in tables}
    return Manifest(dataset=name, logical_hash=sha(name), about=about, tables=records)


def _split() -> SplitMetadata:
    parts = {"train": 198_442, "validation": 27_911, "test": 49_728, "embargo": 1_846}
    return SplitMetadata(
        name="by_time",
        why="mirrors a release, which is judged on days after its training",
        definition={"kind": "time", "column": "scheduled_utc", "boundaries": "train 2013-08-01", "embargo_days": "1"},
        definition_hash=sha("definition"),
        parts=parts,
        from_utc={"train": "2013-01-01T10:15:00Z", "validation": "2013-08-02T04:00:00Z", "test": "2013-09-02T04:00:00Z"},
        to_utc={"train": "2013-07-31T23:59:00Z", "validation": "2013-08-31T23:59:00Z", "test": "2013-10-30T23:59:00Z"},
        logical_hash=sha("split"),
    )


def make_pin(days: int = 60) -> Pin:
    def table(name: str) -> PinnedTable:
        count = 1 if name == "planes" else days
        files = tuple(
            PinnedFile(
                path=f"{name}/day=2013-{8 + i // 31:02d}-{1 + i % 31:02d}/part-0.parquet"
                if count > 1
                else f"{name}/planes.parquet",
                bytes=48_000 + 131 * i,
                mtime_utc="2013-11-01T00:00:00Z",
                sha256=hash_text(name, str(i)),
                rows=940 + i,
                known_rows=940 + i - (12 if i == count - 1 else 0),
                watermark_utc="2013-10-30T23:40:00Z",
            )
            for i in range(count)
        )
        return PinnedTable(watermark_utc="2013-10-30T23:40:00Z", files=files)

    return Pin(
        lake=".windtunnel/demo-lake",
        as_of_utc="2013-10-31T00:00:00Z",
        access="local directory, opened read-only",
        tables={name: table(name) for name in _TABLES},
    )


def make_privacy() -> PrivacyReport:
    rows = [
        ("bookings", "booking_id", "token", "token", "booking", "joins inside bookings"),
        ("bookings", "email", "identifier", "drop", None, "no feature needs it"),
        ("bookings", "birth_date", "quasi", "generalise to=decade", None, "an age band is enough"),
        ("bookings", "member_since", "quasi", "date_shift per=loyalty_no max_days=30", None, "only intervals matter"),
        ("bookings", "postcode", "quasi", "generalise keep_prefix=2", None, "the region is enough"),
        ("bookings", "note", "free_text", "redact", None, "may mention the passenger"),
        ("flights", "flight_id", "token", "token", "flight", "joins across tables"),
        ("flights", "carrier", "safe", "kept", None, "published timetable"),
    ]
    counts = JoinCounts(
        left_rows=198_442,
        left_keys=9_000,
        right_rows=20_117,
        right_keys=20_117,
        matched_keys=8_991,
        left_matched_rows=198_425,
        right_matched_rows=8_991,
        joined_rows=198_425,
    )
    join = JoinMeasure(domains=("flight",), left="bookings.flight_id", right="flights.flight_id", before=counts, after=counts)
    finding = PersonalDataFinding(
        table="flights",
        column="carrier",
        kind="names",
        evidence="60 % of its distinct values are names of people, by the lists",
        status="accepted",
        reason="airlines that bear their founders' names",
    )
    return PrivacyReport(
        joins=(join,),
        examined=("flights.carrier", "bookings.postcode"),
        findings=(finding,),
        key_id="demo-1",
        key_fingerprint="a3f2c9d0e1b4",
        algorithm="HMAC-SHA256, one key per domain",
        statement="Masked data is pseudonymised, not anonymous: whoever holds the key may find a person again.",
        treatments=tuple(
            ColumnTreatment(table=t, column=c, column_class=k, transform=x, domain=d, reason=r) for t, c, k, x, d, r in rows
        ),
        undeclared=("bookings.phone", "bookings.card_number"),
        rows={"bookings": 502_114, "flights": 277_927},
    )


def make_validation(subject: str, *, is_passed: bool = True) -> ValidationReport:
    months = ("2013-08", "2013-09", "2013-10")
    suites = tuple(
        _suite(subject, table, month, is_passed=is_passed or (table, month) != ("flights", "2013-10"))
        for table in ("flights", "weather")
        for month in months
    )
    finding = Finding(
        kind="suspected target leakage", name="delay_last", is_blocking=False, found="AUC 0.96 alone", expected="below 0.95"
    )
    return ValidationReport(
        subject=subject,
        is_passed=is_passed,
        engine="great_expectations 1.24.1",
        inputs={},
        suites=suites,
        findings=(finding,) if subject == "features" else (),
    )


def _suite(subject: str, table: str, period: str, *, is_passed: bool) -> SuiteOutcome:
    def outcome(column: str, severity: str, has_held: bool) -> ExpectationOutcome:
        return ExpectationOutcome(
            expectation="expect_column_values_to_not_be_null",
            column=column,
            severity=severity,  # type: ignore[arg-type]
            is_passed=has_held,
            element_count=27_911,
            unexpected_count=0 if has_held else 412,
            reason="" if has_held else "412 of 27,911 values",
        )

    is_warned = (subject, table, period) == ("raw", "weather", "2013-09")
    outcomes = (
        outcome("origin", "critical", True),
        outcome("scheduled_utc", "critical", is_passed),
        outcome("wind_speed", "warning", not is_warned),
    )
    return SuiteOutcome(
        suite=f"{subject}/{table}.json",
        table=table,
        period=period,
        rows=27_911,
        is_passed=is_passed,
        reuse_key="k",
        expectations=outcomes,
    )


def _roc(has_champion: bool) -> dict[str, tuple[RocPoint, ...]]:
    def curve(power: float) -> tuple[RocPoint, ...]:
        return tuple(RocPoint(i / 100, (i / 100) ** power) for i in range(101))

    return {**({"champion": curve(0.62)} if has_champion else {}), "challenger": curve(0.34)}


def _calibration(has_champion: bool) -> dict[str, tuple[CalibrationBin, ...]]:
    champion = tuple(CalibrationBin(0.08 + 0.03 * i, 0.05 + 0.036 * i, 3214) for i in range(15))
    challenger = tuple(CalibrationBin(0.03 + 0.045 * i, 0.032 + 0.044 * i + 0.004 * (i % 3), 3214) for i in range(15))
    return {**({"champion": champion} if has_champion else {}), "challenger": challenger}


def make_outcome(**changes: object) -> CriterionOutcome:
    """A passed criterion on all rows under a margin, with fields changed."""
    whole = CriterionOutcome(
        name="ranking",
        metric="roc_auc",
        slice=None,
        direction="higher_is_better",
        challenger=0.74,
        champion=0.73,
        delta=0.01,
        interval=Interval(low=0.002, high=0.018, confidence=0.95),
        challenger_interval=Interval(low=0.732, high=0.748, confidence=0.95),
        n=10_000,
        min_rows=5_000,
        bound=None,
        margin=0.005,
        is_critical=True,
        status="pass",
        reason="",
        rows_to_decide=None,
        days_to_decide=None,
    )
    return whole.model_copy(update=changes)


def make_verdict(*outcomes: CriterionOutcome, decision: str = "promote", **changes: object) -> Verdict:
    """A verdict over ``outcomes``."""
    verdict = story_verdict("promote")
    return verdict.model_copy(update={"criteria": outcomes, "decision": decision, "reason": f"{decision}: because", **changes})


def with_names(inputs: ReportInputs, name: str) -> ReportInputs:
    """``inputs`` with ``name`` wherever a name or a reason can come from data or from a user's file."""
    found = inputs.provenance
    criteria = tuple(
        o.model_copy(update={"name": f"{name}[{name}]", "slice": f"carrier={name}", "reason": name}) for o in found.verdict.criteria
    )
    verdict = found.verdict.model_copy(
        update={"criteria": criteria, "reason": f"REJECT: {name}", "missing_slices": (name,), "seeds": {name: 1}}
    )
    comparisons = tuple(c.model_copy(update={"slice_value": name if c.slice_value else None}) for c in found.evaluation.comparisons)
    card = found.challenger.model_copy(update={"name": name, "estimator": name, "parameters": name, "features": (name,)})
    evaluation = found.evaluation.model_copy(
        update={"comparisons": comparisons, "champion": make_champion().model_copy(update={"name": name}), "cluster": name}
    )
    treatments = tuple(t.model_copy(update={"column": name, "reason": name}) for t in found.privacy.treatments)
    joins = tuple(j.model_copy(update={"domains": (name,), "left": name, "right": name}) for j in found.privacy.joins)
    privacy = found.privacy.model_copy(
        update={
            "treatments": treatments,
            "joins": joins,
            "undeclared": (name,),
            "statement": name,
            "key_id": name,
            "rows": {name: 1},
        }
    )
    split = found.split.model_copy(update={"why": name, "definition": {name: name}, "parts": {name: 1}})
    pin = found.pin.model_copy(update={"lake": name, "access": name, "tables": {name: found.pin.tables["planes"]}})
    finding = Finding(kind=name, name=name, is_blocking=True, found=name, expected=name)
    expectation = ExpectationOutcome(
        expectation=name, column=name, severity="critical", is_passed=False, element_count=1, unexpected_count=1, reason=name
    )
    suite = SuiteOutcome(suite=name, table=name, period=name, rows=1, is_passed=False, reuse_key=name, expectations=(expectation,))
    reports = tuple(r.model_copy(update={"suites": (suite,), "findings": (finding,), "engine": name}) for r in inputs.validations)
    provenance = replace(found, verdict=verdict, evaluation=evaluation, challenger=card, privacy=privacy, split=split, pin=pin)
    carried = verdict.to_json().encode()
    return replace(inputs, provenance=provenance, validations=reports, verdict_bytes=carried, versions=((name, name),))
