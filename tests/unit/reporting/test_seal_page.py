"""The signature's place on a page: empty where a stage draws it, filled where it is published."""

import json

import pytest
from verdict_stories import HOSTILE, story_inputs

from tasks.errors import ReportError
from tasks.reporting import render_report, seal_page

ENVELOPE = b'{"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": []}'


def test_seal_is_put_into_its_place() -> None:
    """Envelope and principal can be read back; nothing else of the page differs."""
    page = render_report(story_inputs("promote"))
    sealed = seal_page(page, ENVELOPE, "alice@example.com")
    found = sealed[sealed.index('id="judge-seal">') :].partition(">")[2].partition("</script>")[0]
    assert json.loads(found) == {"envelope": json.loads(ENVELOPE), "principal": "alice@example.com"}
    assert sealed.replace(found, "null", 1) == page


def test_a_name_cannot_leave_its_place() -> None:
    """A principal full of tags ends no element."""
    page = render_report(story_inputs("promote"))
    assert seal_page(page, ENVELOPE, HOSTILE).count("<script") == page.count("<script")


def test_a_page_is_sealed_once() -> None:
    """A page without an empty place is one of another version, or sealed before."""
    sealed = seal_page(render_report(story_inputs("promote")), ENVELOPE, None)
    with pytest.raises(ReportError, match="0 places"):
        seal_page(sealed, ENVELOPE, None)


def test_an_envelope_that_is_no_json_is_refused() -> None:
    """A page with half an envelope would say that the signature is broken."""
    with pytest.raises(ReportError, match="no JSON"):
        seal_page(render_report(story_inputs("promote")), ENVELOPE[:20], None)
