"""`rearguard pair`: makes the device known to its home's broker, by a certificate."""

import argparse
from pathlib import Path

from firmware.commands.authority import RELOAD, check_library, opened, today
from firmware.commands.records import settings
from firmware.errors import ConfigError, RearguardError
from firmware.pairing.bundle import Bundle, load
from firmware.pairing.files import write

OK = 0


def pair(args: argparse.Namespace) -> int:
    """0 when it was done."""
    check_library()
    config = settings(args)
    state_dir = config.paths.state_dir
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        if args.install is not None:
            return _installed(state_dir, _bundle(args.install), str(args.install))
        from firmware.pairing.device import request

        text = request(state_dir)
        if args.authority is not None:
            return _installed(state_dir, opened(args.authority).sign(text.encode(), "this device"), "this device")
        write(args.request, text)
    except OSError as error:
        advice = "; run it with sudo" if isinstance(error, PermissionError) else ""
        raise RearguardError(f"{error.filename or state_dir}: {error.strerror or error}{advice}") from error
    print(f"made: {args.request}, which holds no secret; the device's key stays in {state_dir}")
    print(f"next, where the broker runs: sudo rearguard authority sign {args.request.name}")
    return OK


def _bundle(path: Path) -> Bundle:
    try:
        return load(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file; `rearguard authority sign` makes it") from error


def _installed(state_dir: Path, given: Bundle, source: str) -> int:
    from firmware.pairing.device import install

    install(state_dir, given, source, today())
    print(f"paired: {given.name} with the broker at {given.host}:{given.port}, until {_day(given)}")
    print("next: sudo systemctl restart rearguard-link; rearguard doctor says whether the broker lets it in")
    if source == "this device":
        print(RELOAD)
    return OK


def _day(given: Bundle) -> str:
    return given.text().partition("until: ")[2][:10]
