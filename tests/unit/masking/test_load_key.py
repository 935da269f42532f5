"""The master key: from the environment or a private file, or a clear refusal; never shown."""

import copy
import hashlib
import os
import pickle
import subprocess
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from masking_policies import KEY, SECRET

from tasks.errors import MaskingKeyError
from tasks.masking import MaskingKey, load_key
from tasks.params.masking import MaskingKeyParams

PARAMS = MaskingKeyParams(env="WT_TEST_KEY", file="state/masking.key", id="test-1")
TEXT = SECRET.hex()


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PARAMS.env, raising=False)


def _write(root: Path, content: str | bytes = TEXT, mode: int = 0o600) -> Path:
    path = root / PARAMS.file
    path.parent.mkdir()
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def _load(root: Path, refused: str | None = None) -> MaskingKey:
    return load_key(PARAMS, root, demo_fingerprint_refused=refused)


@pytest.mark.parametrize("content", [TEXT, TEXT + "\n", TEXT.upper(), f" {TEXT}\r\n"])
def test_key_from_file(tmp_path: Path, content: str) -> None:
    """64 hexadecimal digits, with whatever an editor puts around them."""
    _write(tmp_path, content)
    key = _load(tmp_path)
    assert (key.id, key.fingerprint) == ("test-1", KEY.fingerprint)
    assert (key.derive("person").digests(pa.array([b"x"])) == KEY.derive("person").digests(pa.array([b"x"]))).all()


def test_environment_wins_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's state does not matter where the environment has the key."""
    _write(tmp_path, "11" * 32, mode=0o644)
    monkeypatch.setenv(PARAMS.env, TEXT)
    assert _load(tmp_path).fingerprint == KEY.fingerprint


def test_worktree_uses_the_main_checkouts_file(tmp_path: Path) -> None:
    """A refresh runs in a worktree, which has no untracked files of its own."""
    main, linked = tmp_path / "main", tmp_path / "linked"
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(main))
    main.mkdir()
    for command in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "x"), ("worktree", "add", "-q", str(linked))):
        subprocess.run((*git, *command), check=True, capture_output=True)
    _write(main)
    assert _load(linked).fingerprint == KEY.fingerprint


def test_fingerprint_is_its_definition() -> None:
    """The published form: 16 digits of a SHA-256 that is used for nothing else."""
    assert KEY.fingerprint == hashlib.sha256(b"windtunnel/key-fingerprint/v1" + SECRET).hexdigest()[:16]


def test_missing_key(tmp_path: Path) -> None:
    """Names the file, the variable, and how to make a key without showing it."""
    with pytest.raises(MaskingKeyError, match=r"masking\.key") as caught:
        _load(tmp_path)
    assert PARAMS.env in caught.value.expected
    assert "umask 077" in caught.value.next_step


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o660, 0o601])
def test_loose_permissions(tmp_path: Path, mode: int) -> None:
    """Any right of group or others is refused, with the mode that was found and the command that mends it."""
    path = _write(tmp_path, mode=mode)
    with pytest.raises(MaskingKeyError, match=f"{mode:04o}") as caught:
        _load(tmp_path)
    assert f"chmod 600 {path}" in caught.value.next_step


def test_read_only_key(tmp_path: Path) -> None:
    """Its owner's alone is enough; it need not be writable."""
    _write(tmp_path, mode=0o400)
    assert _load(tmp_path).fingerprint == KEY.fingerprint


_MALFORMED = [
    ("", "nothing"),
    (" \n", "nothing"),
    (TEXT[:-1], "63 characters"),
    (TEXT + "ab", "66 characters"),
    (TEXT[:-1] + "g", "no hexadecimal digits"),
    (TEXT[:32] + " " + TEXT[33:], "no hexadecimal digits"),
    (TEXT[:-1] + "\u00e9", "characters"),
]


@pytest.mark.parametrize(("content", "found"), [*_MALFORMED, (bytes(range(100, 132)), "32 characters"), (TEXT * 99, "characters")])
def test_malformed_key_in_the_file(tmp_path: Path, content: str | bytes, found: str) -> None:
    """What is wrong is said without a character of what is there."""
    _write(tmp_path, content)
    with pytest.raises(MaskingKeyError) as caught:
        _load(tmp_path)
    assert found in caught.value.found
    assert TEXT[:8] not in str(caught.value)


@pytest.mark.parametrize(("content", "found"), _MALFORMED)
def test_malformed_key_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, found: str) -> None:
    """A variable that is set but wrong, or empty, is an error: it does not fall back to a file that nobody meant."""
    _write(tmp_path)
    monkeypatch.setenv(PARAMS.env, content)
    with pytest.raises(MaskingKeyError, match=PARAMS.env) as caught:
        _load(tmp_path)
    assert found in caught.value.found
    assert TEXT[:8] not in str(caught.value)


def test_key_file_that_is_a_folder(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / PARAMS.file).mkdir(parents=True)
    with pytest.raises(MaskingKeyError, match="not readable"):
        _load(tmp_path)


def test_key_file_of_somebody_else() -> None:
    """A file that this account may not read is no key."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        path = _write(Path(name))
        if os.geteuid() != 0:
            path.chmod(0o000)
            with pytest.raises(MaskingKeyError, match="not readable"):
                _load(Path(name))
            return
        os.seteuid(65534)
        try:
            with pytest.raises(MaskingKeyError, match="not readable"):
                _load(Path(name))
        finally:
            os.seteuid(0)


def test_refused_fingerprint(tmp_path: Path) -> None:
    """A published key is as good as none."""
    _write(tmp_path)
    with pytest.raises(MaskingKeyError, match="published"):
        _load(tmp_path, refused=KEY.fingerprint)
    assert _load(tmp_path, refused="0" * 16).id == "test-1"


def test_key_is_never_shown() -> None:
    """Not in repr, str or format, not as an attribute, not in a copy or a pickle; in no encoding."""
    keyed = KEY.derive("person")
    shown = f"{KEY!r} {KEY} {keyed!r} {[KEY]} {vars(type(KEY))} {[getattr(KEY, name) for name in KEY.__slots__]}"
    for form in (TEXT, TEXT.upper(), repr(SECRET), str(list(SECRET))):
        assert form not in shown
    for thing in (KEY, keyed):
        for write in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="not written"):
                write(thing)


@pytest.mark.parametrize("secret", [b"", bytes(31), bytes(33)])
def test_key_has_32_bytes(secret: bytes) -> None:
    """A caller cannot make a weaker one by mistake."""
    with pytest.raises(ValueError, match="32 bytes"):
        MaskingKey("test-1", secret)
