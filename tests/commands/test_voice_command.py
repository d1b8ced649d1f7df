"""`rearguard voice` makes the spoken prompts, and `doctor` says what is missing of them."""

import argparse
import shutil
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.commands.checks.voice import voice as check
from firmware.commands.voice import languages, missing, texts, voice
from firmware.commands.waveform import as_wave
from firmware.errors import ConfigError, MissingExtra, RearguardError
from firmware.sounder.player import LONGEST_S
from firmware.sounder.voice import SPOKEN, VoiceConfig

# Writes what it is asked to say, and with which voice, into a WAV file of the least length.
ESPEAK = """#!/bin/sh
printf 'RIFF....WAVE' > "$6"
head -c 40 /dev/zero >> "$6"
printf '%s ' "$@" >> "$6"
cat >> "$6"
"""


def espeak(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "bin" / "espeak-ng"
    program.parent.mkdir()
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def asked(folder: Path, language: str = "de") -> argparse.Namespace:
    return argparse.Namespace(language=language, to=folder)


def test_prompts_are_delivered_in_three_languages() -> None:
    assert languages() == ["de", "en", "es"]


@pytest.mark.parametrize("language", ["de", "en", "es"])
def test_every_pattern_that_is_spoken_has_its_words_and_no_other(language: str) -> None:
    spoken = texts(language)
    assert set(spoken.say) == SPOKEN
    assert all(text.endswith((".", "!")) for text in spoken.say.values())
    longest_s = max(len(text.split()) for text in spoken.say.values()) / spoken.words_per_minute * 60
    assert longest_s < LONGEST_S, "the player takes what is longer for one that hangs"


def test_every_prompt_is_made_with_the_voice_of_its_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    espeak(tmp_path, monkeypatch, ESPEAK)
    assert voice(asked(tmp_path)) == 0
    assert missing(tmp_path / "de") == []
    made = (tmp_path / "de" / "ended.wav").read_text()
    assert "-v de -s 130" in made
    assert made.endswith("Das Gehen ist beendet.")
    said = capsys.readouterr().out
    assert f'language = "de"\nfolder = "{tmp_path}"' in said
    assert "17 made, 0 kept" in said


def test_a_recording_of_ones_own_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak(tmp_path, monkeypatch, ESPEAK)
    own = tmp_path / "de" / "ready.wav"
    own.parent.mkdir()
    own.write_bytes(b"my daughter's voice")
    voice(asked(tmp_path))
    assert own.read_bytes() == b"my daughter's voice"
    assert (tmp_path / "de" / "fault.wav").exists()


def test_without_espeak_it_says_how_to_get_it_and_that_recordings_do_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra, match=r"sudo apt install espeak-ng, or record .*/de/\*.wav yourself"):
        voice(asked(tmp_path))


@pytest.mark.parametrize("language", ["fr", "../de", ""])
def test_a_language_without_texts_is_refused_with_those_that_there_are(tmp_path: Path, language: str) -> None:
    with pytest.raises(ConfigError, match="there are texts in de, en, es"):
        voice(asked(tmp_path, language))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho no such voice >&2\nexit 1\n", "no such voice"),
        ("#!/bin/sh\nexit 0\n", "no WAV file"),
        ("#!/bin/sh\necho half > $6\nexit 1\n", "it ended with 1"),
    ],
)
def test_what_espeak_cannot_make_is_told_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    espeak(tmp_path, monkeypatch, script)
    with pytest.raises(RearguardError, match=said):
        voice(asked(tmp_path))
    assert list((tmp_path / "de").iterdir()) == []


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng: deploy/bootstrap.sh voice")
@pytest.mark.parametrize("language", ["de", "en", "es"])
def test_the_real_espeak_makes_files_that_a_player_takes(tmp_path: Path, language: str) -> None:
    assert voice(asked(tmp_path, language)) == 0
    for name in SPOKEN:
        with wave.open(str(tmp_path / language / f"{name}.wav")) as file:
            assert 0.5 < file.getnframes() / file.getframerate() < LONGEST_S


def config(folder: Path) -> VoiceConfig:
    return VoiceConfig(language="de", folder=str(folder), player="sh -c")


def fill(folder: Path) -> None:
    import array

    (folder / "de").mkdir()
    for name in SPOKEN:
        (folder / "de" / f"{name}.wav").write_bytes(as_wave(array.array("h", [1, 2, 3])))


def test_doctor_says_nothing_of_a_voice_that_nobody_wants() -> None:
    assert check(VoiceConfig()) == []


def test_doctor_finds_a_voice_whole(tmp_path: Path) -> None:
    fill(tmp_path)
    (found,) = check(config(tmp_path))
    assert (found.status, found.detail) == ("ok", f"17 prompts in {tmp_path}/de, played by sh")


def test_doctor_names_what_is_missing_or_no_sound(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "de" / "ended.wav").unlink()
    (tmp_path / "de" / "fault.wav").write_bytes(b"RIFF")
    (found,) = check(config(tmp_path))
    assert found.status == "warn", "the patterns say it all"
    assert found.detail.startswith("2 of 17 prompts are missing")
    assert found.detail.endswith(": ended, fault")
    assert found.hint == f"rearguard voice --language de --to {tmp_path}, or record them"


def test_doctor_names_a_player_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = check(replace(config(tmp_path), player="aplay -q"))
    assert (found.status, found.hint) == ("warn", "sudo apt install alsa-utils")
