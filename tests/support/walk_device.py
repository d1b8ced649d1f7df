"""A device's folders, and its commands as they are called on it."""

import io
import sys
from pathlib import Path

import pytest

from firmware import cli, walks


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def answers(monkeypatch: pytest.MonkeyPatch, text: str, *, sees: bool = True) -> None:
    """Somebody types this; what is printed is seen, or goes elsewhere."""
    monkeypatch.setattr(sys, "stdin", Terminal(text))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: sees)


class Device:
    """A device's folders, and its commands."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], port: int | None = None) -> None:
        self.state, self.run_dir, self.falls = folder / "state", folder / "run", folder / "falls"
        for path in (self.state, self.run_dir, self.falls):
            path.mkdir()
        self._capsys = capsys
        self._file = folder / "rearguard.toml"
        host = "" if port is None else "127.0.0.1"
        self._file.write_text(
            f'[paths]\nstate_dir = "{self.state}"\nrun_dir = "{self.run_dir}"\n'
            f'[recorder]\nfolder = "{self.falls}"\n[mqtt]\nhost = "{host}"\nport = {port or 1883}\n'
        )

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        try:
            code = cli.main([*arguments, "--config", str(self._file)])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = self._capsys.readouterr()
        return code, out, err

    def walked(self, *records: walks.Record) -> None:
        for one in records:
            walks.append(self.state, one)
