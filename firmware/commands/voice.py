"""`rearguard voice`: make the files of the spoken prompts with espeak-ng, once, on any computer.

A file that is there already is kept: it may be somebody's own recording. See docs/SOUNDS.md.
"""

import argparse
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from firmware.errors import ConfigError, MissingExtra, RearguardError
from firmware.sounder.voice import SPOKEN

TEXTS = resources.files("firmware.sounder") / "voices"
PROGRAM = "espeak-ng"
PATIENCE_S = 60.0
HEADER_BYTES = 44


@dataclass(frozen=True, slots=True)
class Texts:
    """One language: espeak-ng's voice, its speed, and the text of each prompt by the pattern's name."""

    voice: str
    words_per_minute: int
    say: dict[str, str]


def languages() -> list[str]:
    """Those that texts are delivered for."""
    return sorted(file.name.removesuffix(".toml") for file in TEXTS.iterdir() if file.name.endswith(".toml"))


def texts(language: str) -> Texts:
    """Raises ConfigError for a language that there are no texts for."""
    if language not in languages():
        known = ", ".join(languages())
        advice = f"record FOLDER/{language}/PATTERN.wav yourself" if language.isalpha() else "name one of them"
        raise ConfigError(f"--language {language}: there are texts in {known}; {advice}")
    body = tomllib.loads((TEXTS / f"{language}.toml").read_text(encoding="utf-8"))
    return Texts(**body)


def voice(args: argparse.Namespace) -> int:
    """Make what is missing of `args.to`/`args.language`; 0 when every prompt has its file, 1 when one is no sound.

    Raises:
        ConfigError: no texts in that language, or the folder cannot be written.
        MissingExtra: espeak-ng is not installed.
        RearguardError: espeak-ng failed.
    """
    spoken, folder = texts(args.language), args.to / args.language
    program = shutil.which(PROGRAM)
    if program is None:
        raise MissingExtra(f"{PROGRAM} is not installed; sudo apt install {PROGRAM}, or record {folder}/*.wav yourself")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--to {args.to}: {folder} cannot be made: {error.strerror}") from error
    made = 0
    for name, text in sorted(spoken.say.items()):
        file = folder / f"{name}.wav"
        if file.exists():
            print(f"kept  {file}")
            continue
        _make(program, spoken, text, file)
        print(f"made  {file}  {text}")
        made += 1
    print(f"{made} made, {len(spoken.say) - made} kept. On the device, set in rearguard.toml:")
    print(f'[voice]\nlanguage = "{args.language}"\nfolder = "{args.to.resolve()}"')
    unusable = missing(folder)
    for name in unusable:
        print(f"rearguard: {folder / name}.wav is no WAV file; delete it to have it made", file=sys.stderr)
    return 1 if unusable else 0


def _make(program: str, spoken: Texts, text: str, file: Path) -> None:
    part = file.with_suffix(".part")
    command = [program, "-v", spoken.voice, "-s", str(spoken.words_per_minute), "-w", str(part), "--stdin"]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=PATIENCE_S, check=False)
        if done.returncode or not wave_file(part):
            said = done.stderr.decode(errors="replace").strip() or f"no WAV file, and it ended with {done.returncode}"
            raise RearguardError(f"{PROGRAM}: {file.name}: {said}; is the package espeak-ng-data installed?")
        part.replace(file)
    except subprocess.TimeoutExpired:
        raise RearguardError(f"{PROGRAM}: {file.name}: not made within {PATIENCE_S:g} s") from None
    finally:
        part.unlink(missing_ok=True)


def wave_file(file: Path) -> bool:
    """Whether it looks like a WAV file with sound in it."""
    try:
        if not file.is_file():  # a pipe would keep us waiting
            return False
        with file.open("rb") as data:
            head = data.read(HEADER_BYTES + 1)
    except OSError:
        return False
    return len(head) > HEADER_BYTES and head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def missing(folder: Path) -> list[str]:
    """The prompts that have no usable file in `folder`."""
    return sorted(name for name in SPOKEN if not wave_file(folder / f"{name}.wav"))
