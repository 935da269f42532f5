"""What a page needs to judge itself in a browser: its script, and the signature that it was published with.

What belongs here: putting these into a page. What does not: what the script does (``templates/judge``), and signing.

A stage's outputs are the same on every run, and who signed is known only afterwards: a page is drawn with an empty place for the
signature, which whoever publishes the page fills.
"""

import base64
import functools
import hashlib
import json
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from tasks.errors import ReportError

_PLACE = '<script type="application/json" id="judge-seal">null</script>'
_MODULES = (
    "draws",
    "metrics",
    "intervals",
    "statuses",
    "replicates",
    "unresampled",
    "parity",
    "remaking",
    "criteria",
    "signature",
    "standing",
    "shown",
    "asking",
    "sliders",
    "panel",
)
"""In the order in which they need one another."""


@functools.cache
def page_script() -> Markup:
    """The page's script: plain modules of our own, one after another."""
    folder = files("tasks.reporting") / "templates" / "judge"
    texts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in _MODULES]
    return Markup('"use strict";\n' + "\n".join(texts))  # noqa: S704 - our own files


def script_hash() -> str:
    """The script as a content security policy names it: no other one runs."""
    return f"sha256-{base64.b64encode(hashlib.sha256(page_script().encode()).digest()).decode()}"


def embed_json(value: Any) -> Markup:
    """``value`` as JSON that no name in it can end or leave."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - without "<" no element begins or ends


def seal_page(page: str, envelope: bytes, principal: str | None) -> str:
    """The page with the DSSE ``envelope`` around its verdict, and whom the signing key was known to belong to.

    Raises :class:`~tasks.errors.ReportError` where the page has no place for it, or the envelope is no JSON.
    """
    if page.count(_PLACE) != 1:
        raise ReportError(
            "report.html",
            found=f"{page.count(_PLACE)} places for the verdict's signature",
            expected="one",
            next_step="dvc repro -f report",
        )
    try:
        seal = {"envelope": json.loads(envelope), "principal": principal}
    except ValueError:
        raise ReportError(
            "the verdict's envelope",
            found="a file that is no JSON",
            expected="a DSSE envelope",
            next_step="windtunnel sign, then publish again",
        ) from None
    return page.replace(_PLACE, _PLACE.replace("null", str(embed_json(seal))))
