"""The command line. A command is imported when it is called: `--help` waits for nothing that it does not need."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from firmware.cli_pairing import add_authority, add_pair
from firmware.errors import ConfigError, MissingExtra, NoHardware, RearguardError
from firmware.version import VERSION

OK, FAILURE, USAGE, NO_HARDWARE, INTERRUPTED = 0, 1, 2, 3, 130
_EXIT_CODE_OF: dict[type[RearguardError], int] = {ConfigError: USAGE, MissingExtra: USAGE, NoHardware: NO_HARDWARE}
EXIT_CODES = "exit codes: 0 ok, 1 failure or difference found, 2 wrong usage or configuration, 3 hardware missing"

_SCENARIOS = (
    "whole, walk, wall, heedless, quiet, sway, fall, cancelled, recovered, sos, sit, stumble, treadmill, partner, stand"
)
_WALK_EXAMPLES = """examples:
  rearguard walk --simulated                          a minute: a wall, a sway, and a fall that nobody cancels
  rearguard walk --simulated --scenario whole         a walk from the table and back to it, as `make walk` shows it
  rearguard walk --simulated --scenario quiet         nothing happens, and nothing sounds
  rearguard walk --simulated --fault off:rangefinder  the distance sensor falls silent after 6 s
  rearguard walk --simulated --record walk.mcap       keep it, for `rearguard replay walk.mcap`
"""
_RUN_EXAMPLES = """examples:
  rearguard run guard --config /etc/rearguard/rearguard.toml   what systemd starts
  rearguard run --simulated --config rearguard.toml            all processes, no hardware, until Ctrl-C
"""
_REPLAY_EXAMPLES = """examples:
  rearguard replay walk.mcap           what was decided, in words
  rearguard replay walk.mcap --json    one JSON object a line for every output
  rearguard replay walk.mcap --diff    does this version decide the same? (numbers to 1e-9)
"""
_DOCTOR_EXAMPLES = """examples:
  rearguard doctor                                      look at every part of this device
  rearguard doctor --self-test                          the motion sensor tests itself too: lay it down
  rearguard doctor --simulated --fault stuck:imu        what it says about a broken one
"""
_CALIBRATE_EXAMPLES = """examples:
  rearguard calibrate              stand still, bow forward, come up again: 16 s
  rearguard calibrate --forget     use the configuration's axes again
  rearguard calibrate --simulated  see what it says
"""
_EVALUATE_EXAMPLES = """examples:
  rearguard evaluate DATA                        every set in the folder, on all processors
  rearguard evaluate DATA/kfall/SA06.npz         one person
  rearguard evaluate DATA --json > scores.json   one JSON object, the same for the same files
  rearguard evaluate DATA --plot plots           pictures as well, with the worst trials drawn
"""
_WALKS_EXAMPLES = """examples:
  rearguard walks                          one line a walk, and what each meant for the plan
  rearguard walks --csv > walks.csv        for a spreadsheet
  rearguard walks --json --since 2026-01-31  one JSON object a line; the schema is in firmware/schemas
"""
_PLAN_EXAMPLES = """examples:
  rearguard plan                               how long the next walk is to be, when, and why
  rearguard plan --draw plan.png               the minutes of all walks as a picture
  rearguard plan --simulated --draw plan.svg   eight weeks of a simulated walker
"""
_CONFIRM_EXAMPLES = """examples:
  rearguard confirm         read the notice before the first walk, and confirm it
  rearguard confirm --show  only read it; 0 when it is confirmed already
"""
_REPORT_EXAMPLES = """examples:
  rearguard report                          the last walk and all weeks, as rearguard-report.html
  rearguard report --walk 12 --out 12.html  the walk of that number in `rearguard walks`
  rearguard report --simulated              eight weeks of a simulated walker, to see what it looks like
"""
_FORGET_EXAMPLES = """examples:
  sudo systemctl stop rearguard.target; sudo rearguard forget   ask, then delete
  rearguard forget --yes                                        delete without asking
"""
_GAIT_EXAMPLES = """examples:
  rearguard gait walk.mcap         steps and cadence, by us and by scikit-digital-health
  rearguard gait walk.mcap --json  as one JSON object
"""
_PATTERNS_EXAMPLES = """examples:
  rearguard patterns                    play and draw all of them
  rearguard patterns sway lean          these two
  rearguard patterns --draw sounds      pictures of them in a folder
"""
_VOICE_EXAMPLES = """examples:
  rearguard voice --language de --to voice   make the spoken prompts with espeak-ng
"""
_FAULT_HELP = "let a simulated part fail: off, stuck, garbage, wrong, slow, delayed or intermittent, as in stuck:imu"


class _Parser(argparse.ArgumentParser):
    """Errors are one line; `--help` has the rest."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"rearguard: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = _Parser(
        prog="rearguard",
        description="A belt-worn safety device for walking backward: warns of obstacles, calls for help after a fall.",
        epilog=EXIT_CODES,
    )
    top.add_argument("--version", action="version", version=f"rearguard {VERSION}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_walk(commands)
    _add_run(commands)
    _add_replay(commands)
    _add_doctor(commands)
    _add_calibrate(commands)
    _add_evaluate(commands)
    for add in (_add_walks, _add_plan, _add_confirm, _add_report, _add_forget, _add_gait, _add_patterns, _add_voice):
        add(commands)
    add_authority(lambda *words: _command(commands, *words), _Parser)
    _add_config(add_pair(lambda *words: _command(commands, *words)))
    quiet = _command(commands, "silence", "switch every output off, whoever left it on", "")
    quiet.add_argument("--config", metavar="FILE", type=Path, help="settings; without it the device's, or the defaults")
    shell = _command(commands, "completion", "print a completion script for a shell", "")
    shell.add_argument("shell", choices=["bash"], help="for example: source <(rearguard completion bash)")
    return top


_Commands = argparse._SubParsersAction  # argparse gives it no public name


def _command(commands: "_Commands[_Parser]", name: str, what: str, examples: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=examples + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_simulation(command: argparse.ArgumentParser) -> None:
    command.add_argument("--simulated", action="store_true", help="on the simulated board: no hardware needed")
    command.add_argument(
        "--scenario", metavar="NAME", default="walk", help=f"what the simulated walker does: {_SCENARIOS}"
    )
    command.add_argument("--motion", metavar="FILE.npz:TRIAL", help="play the recorded motion of a real person instead")
    command.add_argument("--fault", metavar="WORD:PART", action="append", default=[], help=_FAULT_HELP)


def _add_walk(commands: "_Commands[_Parser]") -> None:
    walk = _command(commands, "walk", "take one walk, watch it, and sum it up", _WALK_EXAMPLES)
    _add_simulation(walk)
    walk.add_argument("--record", metavar="FILE", help="write inputs and decisions to an MCAP file")
    walk.add_argument("--no-sound", action="store_true", help="do not play the buzzer on this computer's speaker")
    walk.add_argument("--json", action="store_true", help="one JSON object a line")
    walk.add_argument("--plain", action="store_true", help="plain lines also in a terminal")
    walk.add_argument("--virtual-time", action="store_true", help="in simulated time, as fast as it goes; one process")
    walk.add_argument("--broker", metavar="HOST:PORT", help="send to this MQTT broker instead of an embedded one")
    walk.add_argument("--config", metavar="FILE", type=Path, help="settings; without it the device's, or the defaults")


def _add_run(commands: "_Commands[_Parser]") -> None:
    run = _command(commands, "run", "run the device's processes until they are told to end", _RUN_EXAMPLES)
    run.add_argument("process", nargs="?", default="all", choices=["guard", "sounder", "link", "all"])
    _add_simulation(run)
    run.add_argument("--record", metavar="FILE", help="write inputs and decisions to an MCAP file")
    run.add_argument("--config", metavar="FILE", type=Path, help="settings; without it the device's, or the defaults")
    run.add_argument("--epoch-ns", type=int, help=argparse.SUPPRESS)
    run.add_argument("--monitor", metavar="PATH", help=argparse.SUPPRESS)


def _add_replay(commands: "_Commands[_Parser]") -> None:
    replay = _command(commands, "replay", "decide again what a recording holds", _REPLAY_EXAMPLES)
    replay.add_argument("recording", metavar="FILE", type=Path, help="an MCAP file from --record")
    replay.add_argument("--json", action="store_true", help="one JSON object a line")
    replay.add_argument("--diff", action="store_true", help="stop with 1 at the first output that is not as recorded")
    replay.add_argument("--config", metavar="FILE", type=Path, help="other settings than the recorded ones")


def _add_doctor(commands: "_Commands[_Parser]") -> None:
    doctor = _command(commands, "doctor", "look at every part and say what to do about it", _DOCTOR_EXAMPLES)
    doctor.add_argument("--simulated", action="store_true", help="on the simulated board: no hardware needed")
    doctor.add_argument("--fault", metavar="WORD:PART", action="append", default=[], help=_FAULT_HELP)
    doctor.add_argument(
        "--self-test", action="store_true", help="the motion sensor's own test too: lay the device down first"
    )
    doctor.add_argument(
        "--pulse-airbag", action="store_true", help="pulse the airbag's pin too: first disconnect what it would fire"
    )
    doctor.add_argument("--json", action="store_true", help="one JSON object with all checks")
    doctor.add_argument(
        "--config", metavar="FILE", type=Path, help="settings; without it the device's, or the defaults"
    )


def _add_calibrate(commands: "_Commands[_Parser]") -> None:
    calibrate = _command(
        commands, "calibrate", "find how the sensor sits on you, from a bow forward, and keep it", _CALIBRATE_EXAMPLES
    )
    calibrate.add_argument("--forget", action="store_true", help="go back to the configuration's axes")
    calibrate.add_argument("--simulated", action="store_true", help="with a simulated wearer: no hardware needed")
    calibrate.add_argument("--fault", metavar="WORD:PART", action="append", default=[], help=_FAULT_HELP)
    calibrate.add_argument(
        "--config", metavar="FILE", type=Path, help="settings; without it the device's, or the defaults"
    )


def _add_evaluate(commands: "_Commands[_Parser]") -> None:
    evaluate = _command(commands, "evaluate", "score the detectors on recordings of real people", _EVALUATE_EXAMPLES)
    evaluate.add_argument(
        "data", metavar="DATA", type=Path, help="a folder of sets, one set, or one person's .npz file"
    )
    evaluate.add_argument("--json", action="store_true", help="one JSON object")
    evaluate.add_argument("--plot", metavar="DIR", type=Path, help="draw pictures into this folder")
    evaluate.add_argument("--jobs", metavar="N", type=int, help="processes; without it one a processor")
    evaluate.add_argument(
        "--lead-in", metavar="S", type=float, default=3.0, help="seconds of standing before a trial (3; 0: none)"
    )
    evaluate.add_argument("--config", metavar="FILE", type=Path, help="settings; without it the defaults")


def _add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config", metavar="FILE", type=Path, help="settings; without it the device's, or the defaults"
    )


def _add_walks(commands: "_Commands[_Parser]") -> None:
    walks = _command(commands, "walks", "list the walks that were kept, or export them", _WALKS_EXAMPLES)
    form = walks.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    form.add_argument("--csv", action="store_true", help="comma-separated, one row a record")
    walks.add_argument("--since", metavar="DATE", help="from that day on, such as 2026-01-31")
    _add_config(walks)


def _add_plan(commands: "_Commands[_Parser]") -> None:
    plan = _command(commands, "plan", "tell how long the next walk is to be, when, and why", _PLAN_EXAMPLES)
    plan.add_argument("--draw", metavar="FILE", type=Path, help="draw the curve into this .svg or .png file")
    whose = plan.add_mutually_exclusive_group()
    whose.add_argument("--simulated", action="store_true", help="eight weeks of a simulated walker instead")
    whose.add_argument("--json", action="store_true", help="one JSON object about the walker's own plan")
    _add_config(plan)


def _add_confirm(commands: "_Commands[_Parser]") -> None:
    confirm = _command(commands, "confirm", "show the notice before the first walk, and confirm it", _CONFIRM_EXAMPLES)
    confirm.add_argument("--show", action="store_true", help="ask nothing")
    _add_config(confirm)


def _add_report(commands: "_Commands[_Parser]") -> None:
    report = _command(commands, "report", "write one page about a walk and the weeks, for paper", _REPORT_EXAMPLES)
    report.add_argument("--walk", metavar="ID", help="its number in `rearguard walks`, or its id; without it the last")
    report.add_argument("--out", metavar="FILE", type=Path, help="the page; without it rearguard-report.html")
    report.add_argument("--simulated", action="store_true", help="eight weeks of a simulated walker instead")
    _add_config(report)


def _add_forget(commands: "_Commands[_Parser]") -> None:
    forget = _command(commands, "forget", "delete everything about the walker, at the broker too", _FORGET_EXAMPLES)
    forget.add_argument("--yes", action="store_true", help="do not ask")
    _add_config(forget)


def _add_gait(commands: "_Commands[_Parser]") -> None:
    gait = _command(commands, "gait", "compare our steps with an established gait library's", _GAIT_EXAMPLES)
    gait.add_argument("recording", metavar="FILE", type=Path, help="an MCAP file from --record or of [recorder]")
    gait.add_argument("--json", action="store_true", help="one JSON object")


def _add_patterns(commands: "_Commands[_Parser]") -> None:
    patterns = _command(commands, "patterns", "play and draw what the walker hears and feels", _PATTERNS_EXAMPLES)
    patterns.add_argument("names", metavar="NAME", nargs="*", help="which; without a name all")
    patterns.add_argument("--draw", metavar="FOLDER", type=Path, help="draw pictures into this folder")
    patterns.add_argument("--json", action="store_true", help="one JSON object")
    patterns.add_argument("--no-sound", action="store_true", help="do not play them on this computer's speaker")
    patterns.add_argument("--plain", action="store_true", help="plain lines also in a terminal")


def _add_voice(commands: "_Commands[_Parser]") -> None:
    voice = _command(commands, "voice", "make the spoken prompts with espeak-ng", _VOICE_EXAMPLES)
    voice.add_argument("--language", metavar="CODE", default="en", help="such as en, de or es (en)")
    voice.add_argument("--to", metavar="FOLDER", type=Path, required=True, help="where the files go")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see EXIT_CODES."""
    _mend_streams()
    try:
        return _answered(argv)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read us has enough; the interpreter must not complain when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except OSError as error:  # such as a full disk behind standard output
        advice = "; run it with sudo" if isinstance(error, PermissionError) else ""
        print(f"rearguard: {error.filename or 'output'}: {error.strerror or error}{advice}", file=sys.stderr)
        return FAILURE


def _answered(argv: Sequence[str] | None) -> int:
    """The exit code of a command; all that it printed has arrived then, a help text too."""
    try:
        args = parser().parse_args(argv)
        _check_simulation(args)
        return _function(args.command)(args)
    except RearguardError as error:
        print(f"rearguard: {error}", file=sys.stderr)
        return _EXIT_CODE_OF.get(type(error), FAILURE)
    finally:
        sys.stdout.flush()


def _mend_streams() -> None:
    """A standard stream that whoever started us has closed leads to /dev/null, so that no command has to ask.

    Its number as well: the next file that is opened would get it, and what a child prints would land there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # the lowest free number is taken first
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # as long as the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter is told its number


def _function(command: str) -> Callable[[argparse.Namespace], int]:
    function: Callable[[argparse.Namespace], int] = getattr(import_module(f"firmware.commands.{command}"), command)
    return function


def _check_simulation(args: argparse.Namespace) -> None:
    """Refuse what the simulation does not know, in one line and before anything starts."""
    wishes = [f"--{name}" for name in ("fault", "motion", "virtual_time") if getattr(args, name, None)]
    if not getattr(args, "simulated", False) or not hasattr(args, "fault"):
        if wishes:
            raise ConfigError(f"{wishes[0].replace('_', '-')} needs --simulated: it cannot be done to real parts")
        return
    from hal.sim.faults import parse_fault

    try:
        for text in args.fault:
            parse_fault(text)
        if getattr(args, "epoch_ns", None) is None:  # a child process is told what was looked at before
            _check_world(args)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _check_world(args: argparse.Namespace) -> None:
    if getattr(args, "motion", None):
        from hal.sim.world.recorded import recorded

        recorded(args.motion)
    elif hasattr(args, "scenario"):
        from hal.sim.world.scenarios import scenario

        scenario(args.scenario)
