"""The masking key looked for in bytes, files and processes: itself and every key derived from it, in whatever form."""

import base64
import hmac
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def forms_of_keys(secret: bytes, purposes: Iterable[str]) -> dict[bytes, str]:
    """Each form of the master key ``secret``, of those derived for ``purposes``, and of the blocks that HMAC makes of them."""
    derived = {purpose: hmac.digest(secret, f"mask/v1/{purpose}".encode(), "sha256") for purpose in purposes}
    keys = {"master": secret, **derived}
    blocks = {
        f"{name} {pad:#x}": bytes(byte ^ pad for byte in key.ljust(64, b"\0"))[: len(key)]
        for name, key in keys.items()
        for pad in (0x36, 0x5C)
    }
    return {form: name for name, key in (keys | blocks).items() for form in _forms(key)}


def _forms(key: bytes) -> Iterator[bytes]:
    yield key
    yield key.hex().encode()
    yield key.hex().upper().encode()
    yield key.hex().encode("utf-16-le")
    yield base64.b64encode(key).rstrip(b"=")
    yield base64.urlsafe_b64encode(key).rstrip(b"=")
    yield base64.b64encode(key.hex().encode()).rstrip(b"=")
    yield repr(key)[2:-1].encode()
    yield str(list(key))[1:-1].encode()
    yield str(int.from_bytes(key)).encode()


def seen_in(content: bytes, forms: Mapping[bytes, str]) -> set[str]:
    """The keys of which ``content`` holds a form."""
    return {name for form, name in forms.items() if form in content}


class KeyWatch(threading.Thread):
    """Reads command lines and environments of all processes until told to end; each once, and again if it changed.

    The environments of the processes ``apart`` are not read; ``seconds`` lie between two looks.
    """

    def __init__(self, forms: Mapping[bytes, str], apart: set[int], seconds: float = 0.05) -> None:
        super().__init__()
        self._forms, self._apart, self._seconds = forms, apart, seconds
        self._is_over = threading.Event()
        self._known: dict[Path, bytes] = {}
        self.seen: set[str] = set()

    def run(self) -> None:
        while not self._is_over.wait(self._seconds):
            for folder in Path("/proc").glob("[0-9]*"):
                self._look(folder / "cmdline")
                if int(folder.name) not in self._apart:
                    self._look(folder / "environ")

    def _look(self, file: Path) -> None:
        try:
            content = file.read_bytes()
        except OSError:
            return
        if self._known.get(file) != content:
            self._known[file] = content
            self.seen |= seen_in(content, self._forms)

    def end(self) -> None:
        """Stop looking."""
        self._is_over.set()
        self.join()
        assert len(self._known) > 3
