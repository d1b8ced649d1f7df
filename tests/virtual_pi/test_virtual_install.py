"""Which lgpio is installed, and what importing it does to a program."""

from pathlib import Path

import pytest
from virtual_pi.conftest import Run


def test_empty_lgpio_of_the_package_index_is_refused_with_what_to_do(run: Run, tmp_path: Path) -> None:
    """lgpio 0.0.0.2 is one empty file; pip takes it where there is no wheel of the real one."""
    (tmp_path / "lgpio.py").touch()
    said = run(
        "from hal.errors import PinsUnavailable\nfrom hal.pins import open_factory\ntry:\n    open_factory('lgpio')\n"
        "except PinsUnavailable as error:\n    say(str(error))\n",
        python_path=tmp_path,
    ).says()
    assert said == (
        f"gpio: the lgpio found at {tmp_path}/lgpio.py is not the real one; "
        "remove it and install it with `sudo apt install python3-lgpio`"
    )


@pytest.mark.usefixtures("needs_lgpio")
def test_program_that_opens_the_pins_stays_in_its_working_directory(run: Run, tmp_path: Path) -> None:
    """lgpio moves a process to where it makes its pipes; relative paths would then name other files."""
    program = run(
        f"import os\nfrom hal.pins import open_factory\nos.chdir({str(tmp_path)!r})\nopen_factory('lgpio')\n"
        "say(os.getcwd())\n"
    )
    assert program.says() == str(tmp_path)
