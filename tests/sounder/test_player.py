"""The voice's process: plays, stops and complains, and nothing of it can hold the sounder up."""

import os
import signal
import socket
from pathlib import Path

import pytest
from support.waiting import eventually

from firmware.core.messages import Pattern
from firmware.ipc import Play, SounderReport
from firmware.sounder.outputs import Outputs
from firmware.sounder.player import Player, PlayerProcess
from firmware.sounder.sounder import Sounder, SounderConfig
from firmware.sounder.voice import Voice, VoiceConfig

HANGS = "#!/bin/sh\ntrap '' TERM INT HUP\necho $$ >> {folder}/started\nexec sleep 300\n"
PLAYS = '#!/bin/sh\necho "$2" >> {folder}/played\n'
FAILS = "#!/bin/sh\nexit 3\n"


@pytest.fixture
def voice_config(tmp_path: Path) -> VoiceConfig:
    (tmp_path / "de").mkdir()
    for name in ("ready", "fault", "ended"):
        (tmp_path / "de" / f"{name}.wav").write_bytes(b"RIFF")
    return VoiceConfig(language="de", folder=str(tmp_path), player=f"{tmp_path}/play -q")


def install(config: VoiceConfig, script: str) -> None:
    path = Path(config.command[0])
    path.write_text(script.format(folder=config.folder))
    path.chmod(0o755)


def lines(config: VoiceConfig, name: str) -> list[str]:
    path = Path(config.folder) / name
    return path.read_text().split() if path.exists() else []


def gone(pid: int) -> bool:
    """Ended; who waits to be buried plays nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def player(config: VoiceConfig) -> tuple[Player, list[str]]:
    told: list[str] = []
    return Player(Path(config.folder) / config.language, config.command, told.append), told


def test_the_process_plays_the_file_of_the_pattern_in_the_language(voice_config: VoiceConfig) -> None:
    install(voice_config, PLAYS)
    process = PlayerProcess(voice_config)
    process.say("ready")
    eventually(lambda: lines(voice_config, "played") == [f"{voice_config.folder}/de/ready.wav"])
    process.close()


def test_the_voice_waits_for_everybody_and_goes_first_when_memory_runs_out(voice_config: VoiceConfig) -> None:
    process = PlayerProcess(voice_config)
    pid = process._process.pid
    eventually(lambda: Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "500")
    assert os.sched_getscheduler(pid) == os.SCHED_OTHER
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
    process.close()


def test_a_player_that_hangs_is_killed_by_a_stop_and_by_the_next_prompt(voice_config: VoiceConfig) -> None:
    install(voice_config, HANGS)
    process = PlayerProcess(voice_config)
    process.say("ready")
    eventually(lambda: len(lines(voice_config, "started")) == 1)
    process.say("fault")
    eventually(lambda: len(lines(voice_config, "started")) == 2)
    first, second = map(int, lines(voice_config, "started"))
    eventually(lambda: gone(first))
    process.stop()
    eventually(lambda: gone(second))
    process.close()


def test_closing_leaves_no_process_behind(voice_config: VoiceConfig) -> None:
    install(voice_config, HANGS)
    process = PlayerProcess(voice_config)
    process.say("ready")
    eventually(lambda: lines(voice_config, "started"))
    process.close()
    eventually(lambda: gone(int(lines(voice_config, "started")[0])))


def test_a_sounder_that_is_gone_takes_its_voice_along(voice_config: VoiceConfig) -> None:
    """However it ended: its end of the socket closes."""
    install(voice_config, HANGS)
    process = PlayerProcess(voice_config)
    process.say("ready")
    eventually(lambda: lines(voice_config, "started"))
    process._socket.close()
    eventually(lambda: gone(int(lines(voice_config, "started")[0])))
    eventually(lambda: process._process.poll() is not None)


@pytest.mark.timeout(60)  # whatever waited for it would wait for ever
def test_a_process_that_reads_no_more_is_given_up_and_never_waited_for(
    voice_config: VoiceConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    install(voice_config, PLAYS)
    process = PlayerProcess(voice_config)
    os.kill(process._process.pid, signal.SIGSTOP)
    for _ in range(5000):  # far more than a socket holds
        process.say("ready")
    eventually(lambda: process._process.poll() is not None)
    process.stop()
    process.close()
    assert capfd.readouterr().err.count("its player has ended or hangs") == 1


def test_a_process_that_died_is_told_once_and_the_patterns_go_on(
    voice_config: VoiceConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    install(voice_config, PLAYS)
    process = PlayerProcess(voice_config)
    os.kill(process._process.pid, signal.SIGKILL)
    eventually(lambda: process._process.poll() is not None)
    for _ in range(3):
        process.say("ready")
        process.stop()
    process.close()
    assert capfd.readouterr().err.count("\n") == 1


class Pin:
    def __init__(self) -> None:
        self.played: list[float | None] = []

    def tone(self, frequency_hz: float, volume: float) -> None:
        self.played.append(frequency_hz * volume)

    def on(self) -> None:
        self.played.append(1.0)

    def off(self) -> None:
        self.played.append(None)

    def close(self) -> None:
        pass


def session(mouth: PlayerProcess | None) -> list[list[float | None]]:
    """A short walk with every kind of pattern, in simulated time; what buzzer and motor did."""
    buzzer, motor = Pin(), Pin()
    voice = None if mouth is None else Voice(mouth)
    reports: list[SounderReport] = []
    sounder = Sounder(SounderConfig(), Outputs(lambda: buzzer, lambda: motor), reports.append, voice=voice)
    turn = 0
    for since_ns, pattern in enumerate((Pattern.READY, Pattern.SILENT, Pattern.OBSTACLE_IMMINENT, Pattern.FAULT) * 3):
        for _ in range(300):
            turn += 1
            sounder.receive(Play(pattern, since_ns, True), turn * 10_000_000)
            sounder.tick(turn * 10_000_000)
    assert set(reports) == {SounderReport()}
    return [buzzer.played, motor.played]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", ["hangs", "fails", "is missing", "is stopped"])
def test_a_player_that_hangs_fails_or_is_missing_changes_no_pattern(voice_config: VoiceConfig, how: str) -> None:
    if how != "is missing":
        install(voice_config, {"hangs": HANGS, "fails": FAILS, "is stopped": PLAYS}[how])
    process = PlayerProcess(voice_config)
    if how == "is stopped":
        os.kill(process._process.pid, signal.SIGSTOP)
    assert session(process) == session(None)
    process.close()


def test_a_missing_file_and_a_missing_player_are_each_complained_of_once(voice_config: VoiceConfig) -> None:
    speaking, told = player(voice_config)
    for _ in range(3):
        speaking.say("notice")
        speaking.say("ready")
    assert len(told) == 2
    assert "notice.wav is missing; `rearguard voice` makes it" in told[0]
    assert "cannot be started (No such file or directory); install it" in told[1]


def test_a_player_that_fails_is_complained_of_with_its_code(voice_config: VoiceConfig) -> None:
    install(voice_config, FAILS)
    speaking, told = player(voice_config)
    for _ in range(2):
        speaking.say("ready")
        eventually(lambda: not _looked_at(speaking).busy)
    assert len(told) == 1
    assert "ended with 3" in told[0]


def test_a_prompt_that_does_not_end_is_killed(voice_config: VoiceConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.sounder.player.LONGEST_S", 0.0)
    install(voice_config, HANGS)
    speaking, told = player(voice_config)
    speaking.say("ready")
    eventually(lambda: not _looked_at(speaking).busy)
    assert "did not end within" in told[0]


def _looked_at(speaking: Player) -> Player:
    speaking.look()
    return speaking


def test_words_and_their_ends_keep_apart(voice_config: VoiceConfig) -> None:
    """Two words that are sent at once must not arrive as one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(b"ready")
        ours.send(b"-")
        assert theirs.recv(100) == b"ready"
        assert theirs.recv(100) == b"-"
