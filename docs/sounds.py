"""Draws docs/sounds.svg, the picture of docs/SOUNDS.md: every pattern as it is heard in its samples.

Run as `python docs/sounds.py` from the repository's root; `--table` prints the document's table instead.
"""

import sys
from pathlib import Path

from firmware.commands.patterns import AUDIBLE, table
from firmware.commands.sound_picture import picture


def drawing() -> str:
    return picture(AUDIBLE)


def main(arguments: list[str]) -> None:
    if "--table" in arguments:
        sys.stdout.write(table())
    else:
        Path(__file__).with_name("sounds.svg").write_text(drawing(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
