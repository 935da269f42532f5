"""Publishing: the copy of a page that is kept carries the signature around its verdict, and whose key it is said to be."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from test_report_stage import write_inputs
from verdict_stories import story_inputs

from flows.verdict_store import envelope_path, keep_results
from tasks.paths import ProjectPaths
from tasks.signing.sshsig import fingerprint
from tasks.stages import load_stage

KEY = bytes.fromhex("0000000b7373682d6564323535313900000020") + bytes(range(32))


@pytest.fixture
def paths(tmp_path: Path) -> ProjectPaths:
    """A project whose page was drawn, and that knows one signer."""
    context = write_inputs(tmp_path, story_inputs("promote"))
    load_stage("report").run(context)
    context.paths.policies.mkdir()
    line = f"alice@example.com ssh-ed25519 {base64.b64encode(KEY).decode()}\n"
    (context.paths.policies / "allowed_signers").write_text(line)
    return context.paths


def seal_of(paths: ProjectPaths) -> object:
    page = (keep_results(paths, paths, "here", None) / "report.html").read_text()
    return json.loads(page.partition('id="judge-seal">')[2].partition("</script>")[0])


def test_a_signed_verdicts_page_carries_the_envelope(paths: ProjectPaths) -> None:
    """And the principal whose key the envelope names; the page that the stage drew stays as it is."""
    envelope = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": "e30=",
        "signatures": [{"keyid": fingerprint(KEY), "sig": ""}],
    }
    signed = envelope_path(paths, paths.verdict.read_bytes())
    signed.parent.mkdir(parents=True, exist_ok=True)
    signed.write_text(json.dumps(envelope))
    drawn = paths.report_page.read_bytes()
    assert seal_of(paths) == {"envelope": envelope, "principal": "alice@example.com"}
    assert paths.report_page.read_bytes() == drawn


def test_a_page_without_a_signature_carries_none(paths: ProjectPaths) -> None:
    """It was judged without a key."""
    assert seal_of(paths) is None


def test_what_an_earlier_run_here_was_judged_on_is_kept(paths: ProjectPaths) -> None:
    """Once another verdict takes its place; the same one again is not kept twice."""
    first = paths.verdict.read_bytes()
    keep_results(paths, paths, "here", None)
    keep_results(paths, paths, "here", None)
    assert not (paths.results / "earlier").exists()
    paths.verdict.write_bytes(first.replace(b"PROMOTE", b"PROMOTE again", 1))
    keep_results(paths, paths, "here", None)
    kept = paths.results / "earlier" / hashlib.sha256(first).hexdigest()[:12] / "evidence/data/evaluation/evaluation.json"
    assert kept.read_bytes() == paths.evaluation_report.read_bytes()
