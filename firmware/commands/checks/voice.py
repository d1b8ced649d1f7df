"""Whether the spoken prompts, where some are wished for, have their files and somebody to play them."""

import shutil

from firmware.commands.checks.check import Check
from firmware.commands.voice import missing
from firmware.sounder.voice import SPOKEN, VoiceConfig


def voice(config: VoiceConfig) -> list[Check]:
    """Nothing where no voice is wished for; never more than a warning, for the patterns say it all."""
    if not config.language:
        return []
    player, folder = config.command[0], config.file("ready").parent
    if shutil.which(player) is None:
        advice = "sudo apt install alsa-utils" if player == "aplay" else "install it, or set voice.player"
        return [Check("voice", "warn", f"{player} is not installed: nothing is spoken", advice)]
    lacking = missing(folder)
    if lacking:
        what = f"{len(lacking)} of {len(SPOKEN)} prompts are missing or no WAV files in {folder}: {', '.join(lacking)}"
        advice = f"rearguard voice --language {config.language} --to {folder.parent}, or record them"
        return [Check("voice", "warn", what, advice)]
    return [Check("voice", "ok", f"{len(SPOKEN)} prompts in {folder}, played by {player}")]
