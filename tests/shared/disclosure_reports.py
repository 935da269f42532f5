"""Disclosure reports as the stage ``disclosure`` leaves them."""

from pathlib import Path

from tasks.params.limits import LimitsParams
from tasks.records import DisclosureReport, GeneralisedColumn, KnownColumnRisk, ViewRisk


def disclosure_report(
    inputs: dict[str, str], limits: LimitsParams | None = None, *, exceeded: tuple[str, ...] = ()
) -> DisclosureReport:
    """A report on ``inputs`` that releases them, or says which limits are ``exceeded``, and proposes a shorter postcode."""
    column = KnownColumnRisk(column="people.zip", treatment="kept", below_without=0)
    proposed = GeneralisedColumn(
        column="people.zip",
        becomes="transform: generalise, keep_prefix: 2",
        information_lost=0.5,
        features=(),
        quality="nothing: no feature reads it",
    )
    view = ViewRisk(
        who="each row of people",
        tables=("people",),
        people=100,
        smallest=None if exceeded else 20,
        below=None if exceeded else 0,
        unique=None if exceeded else 0,
        highest=None if exceeded else 0.05,
        average=0.05,
        columns=(column,),
        sensitive=(),
        attacks=(),
        exceeded=exceeded,
        proposal=(proposed,) if exceeded else (),
    )
    return DisclosureReport(
        is_released=not exceeded,
        statement="still personal data",
        limits=(limits or LimitsParams()).model_dump(),
        inputs=inputs,
        views=(view,),
    )


def write_disclosure(root: Path, inputs: dict[str, str], limits: LimitsParams | None = None, **changes: object) -> None:
    """``data/disclosure/disclosure.json`` below ``root``."""
    path = root / "data/disclosure/disclosure.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(disclosure_report(inputs, limits, **changes).to_json())  # type: ignore[arg-type]
