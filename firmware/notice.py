"""What somebody has to read once before the first walk, and the proof that somebody did, kept with its date."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from firmware import typed
from firmware.errors import RearguardError
from firmware.plain_file import as_text, read_bytes, write_whole

FILE = "notice.toml"
EDITION = 1  # of TEXT: what is new in it has to be confirmed again
TEXT = (
    "Before the first walk",
    "Ask your physician whether walking backward is right for you: above all after a fall or an operation, with "
    "dizziness, numb feet, weak bones, trouble with heart or eyes, or with medicine that makes you drowsy.",
    "Walk where nothing can happen: a straight, level, dry and cleared lane, without kerbs, steps, holes, pets or "
    "traffic; firm shoes; for the first walks with somebody behind you, or on a treadmill with rails.",
    "The device looks straight behind you, up to 4 m, at the height of the belt. It does not see kerbs, steps and "
    "holes, what is lower than your knees (close behind you: than your hips), soft or thin things, slanted walls, or "
    "what comes from the side.",
    "It warns, and it calls for help where somebody receives the call. It holds nobody, it may miss a fall, it is no "
    "medical device, and it replaces nobody who walks along. Stop when you feel pain, or are giddy or tired.",
)
BY_BUTTON, BY_TERMINAL = "button", "terminal"


class DamagedNotice(RearguardError):
    """The file does not say who confirmed what."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Which edition of the text was confirmed, by what, and when."""

    edition: int
    by: str  # BY_BUTTON or BY_TERMINAL
    date: str  # YYYY-MM-DD, by the device's time zone
    clock: str  # as `firmware.known_day` has it; "unsynced": the date is a guess

    def __post_init__(self) -> None:
        date.fromisoformat(self.date)
        if not {*self.by, *self.clock} <= {*"abcdefghijklmnopqrstuvwxyz"}:
            raise ValueError(f"by ({self.by!r}) and clock ({self.clock!r}) must be plain words")

    @property
    def current(self) -> bool:
        """Whether nothing is new in the text since."""
        return self.edition >= EDITION


def keep(state_dir: Path, confirmation: Confirmation) -> Path:
    """Write the file whole or not at all. Raises OSError."""
    path = state_dir / FILE
    write_whole(path, _to_toml(confirmation))
    return path


def read(state_dir: Path) -> Confirmation | None:
    """What was confirmed, if anything.

    Raises:
        DamagedNotice: the file is not as it was written.
        OSError: it cannot be read.
    """
    path = state_dir / FILE
    try:
        return typed.build(Confirmation, tomllib.loads(as_text(read_bytes(path))))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        what = " ".join(str(error).split())
        raise DamagedNotice(f"{path} is damaged: {what}; confirm the notice again") from error


def _to_toml(confirmation: Confirmation) -> str:
    return (
        "# Somebody has confirmed the notice that `rearguard confirm` shows.\n"
        f"edition = {confirmation.edition}\n"
        f'by = "{confirmation.by}"\n'
        f'date = "{confirmation.date}"\n'
        f'clock = "{confirmation.clock}"\n'
    )
