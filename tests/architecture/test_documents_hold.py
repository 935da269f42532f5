"""What the documents point to is there: links, tests, commands, options, events, errors, stages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from flows.cli.root import windtunnel
from tasks import errors
from tasks.params import load_params

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.M | re.S)
EVERY_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _code(document: Path) -> Iterator[str]:
    """Every line of code in ``document``, inline or in a block."""
    for found in CODE.findall(document.read_text()):
        yield from found.strip("`").splitlines()


@EVERY_DOCUMENT
def test_links_lead_somewhere(document: Path) -> None:
    """Each relative link names a file or folder that is there, and a heading in it."""
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", document.read_text())):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            dead.append(target)
    assert dead == []


def test_every_named_test_exists() -> None:
    """A test that a document names as proof is there, under that name."""
    named = {name for document in DOCUMENTS for name in re.findall(r"tests/[\w/]+\.py(?:::\w+)?", document.read_text())}
    missing = []
    for name in sorted(named):
        file, _, function = name.partition("::")
        text = (ROOT / file).read_text() if (ROOT / file).exists() else ""
        if not text or (function and f"def {function}(" not in text):
            missing.append(name)
    assert missing == []


def _commands(line: str) -> Iterator[tuple[str, click.Command | None]]:
    """Each call of ``windtunnel`` in a line of code, with the command that it names (None: there is no such command)."""
    for words in re.findall(r"(?<![\w/.-])(?:\.venv/bin/)?windtunnel((?: +[^\s|&;()·]+)+)", line):
        command: click.Command | None = windtunnel
        for word in words.split():
            if not isinstance(command, click.Group) or not re.fullmatch(r"[a-z][a-z-]*,?", word):
                break
            command = command.get_command(click.Context(command), word.rstrip(","))
        yield words.strip(), command


@EVERY_DOCUMENT
def test_commands_and_options_exist(document: Path) -> None:
    """Each `windtunnel ...` in code names a command, and no option that it does not have."""
    wrong = []
    for line in _code(document):
        for words, command in _commands(line):
            known = {"--help"} | {option for parameter in getattr(command, "params", []) for option in parameter.opts}
            if command is None or not set(re.findall(r"--[a-z][a-z-]*", words)) <= known:
                wrong.append(words)
    assert wrong == []


@EVERY_DOCUMENT
def test_make_targets_exist(document: Path) -> None:
    """Each `make ...` in code is a target."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {name for line in _code(document) for name in re.findall(r"^\s*make ([a-z-]+)", line)} <= targets


def test_events_and_their_payloads_are_those_that_are_emitted() -> None:
    """The table of events in docs/operations.md is what `announce` is called with."""
    emitted = {}
    for module in (ROOT / "flows").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "announce":
                event, resource = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
                emitted[f"windtunnel.{event}"] = (f"windtunnel.{resource}", tuple(keyword.arg for keyword in node.keywords))
    rows = re.findall(
        r"^\| `(windtunnel\.[\w.]+)` \| `([\w.]+)` \| [^|]+ \| ([^|]+) \|$", (ROOT / "docs/operations.md").read_text(), re.M
    )
    assert {event: (resource, tuple(re.findall(r"`(\w+)`", keys))) for event, resource, keys in rows} == emitted


def test_every_error_is_in_troubleshooting() -> None:
    """Each family of errors has a row, and each row a family."""
    families = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.WindtunnelError) and kind is not errors.WindtunnelError
    }
    assert set(re.findall(r"^\| `(\w+Error)` \|", (ROOT / "docs/troubleshooting.md").read_text(), re.M)) == families


def test_exit_codes_are_those_of_the_code() -> None:
    """The table of docs/release-flow.md names each number with its decision."""
    rows = re.findall(r"^\| (\d) \| ([\w ]+)[:|]", (ROOT / "docs/release-flow.md").read_text(), re.M)
    assert {int(number): word.strip().replace(" ", "_").upper() for number, word in rows} == {
        int(code): code.name for code in errors.ExitCode
    }


def test_stages_are_listed() -> None:
    """docs/architecture.md lists the stages of dvc.yaml, the matrix filled in."""
    splits = load_params(ROOT / "params.yaml").splits
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    names = [f"{name}@{split}" if "matrix" in stage else name for name, stage in stages.items() for split in splits]
    paragraph = re.search(r"^The graph has \d+ stages:(.*?)\.", (ROOT / "docs/architecture.md").read_text(), re.M | re.S)
    assert paragraph is not None
    assert sorted(re.findall(r"`([\w@]+)`", paragraph[1])) == sorted(set(names))


def test_every_decision_is_in_the_index() -> None:
    """docs/decisions/README.md lists each decision."""
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
