"""Programs that run on a virtual Pi as they would on a real one, each in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from hal.sim.virtual_pi.server import VirtualPi

ROOT = Path(__file__).parents[2]
PRELUDE = """
import json, sys

def say(value):
    print(json.dumps(value), flush=True)

def wait_for_the_test():
    sys.stdin.readline()
"""


class Program:
    """Python code as a process. It says JSON lines, and may wait for the test in between."""

    def __init__(self, pi: VirtualPi, code: str, python_path: Path | None = None) -> None:
        """`python_path`: a folder whose modules come before all others."""
        folders = [str(python_path)] if python_path else []
        environment = os.environ | pi.environment | {"PYTHONPATH": os.pathsep.join([*folders, str(ROOT)])}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + textwrap.dedent(code)],
            env=environment,
            cwd=pi.environment["RUNTIME_DIRECTORY"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self) -> Any:
        """The next thing that it says; pytest times it out."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        assert line, f"the program ended:\n{self._process.stderr.read()}"
        return json.loads(line)

    def proceed(self) -> None:
        """Let it go on after wait_for_the_test()."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """Wait until it has ended, well."""
        _, errors = self._process.communicate()
        assert self._process.returncode == 0, errors

    def kill(self) -> None:
        """With SIGKILL, so that it can do nothing more."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()
