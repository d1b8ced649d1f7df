"""`rearguard forget`: deletes what the device knows of its walker, here and at the broker; it keeps its own name."""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from firmware import mounting, notice, remote_settings, walks
from firmware.commands.records import asked, device_at_rest, person_here, settings
from firmware.config import Config
from firmware.decided import PATTERN
from firmware.errors import ConfigError, JournalError, RearguardError
from firmware.ids import device_id, sync_directory
from firmware.journal import JOURNAL, Journal
from firmware.link import last_time, topics
from firmware.link.clear import NO_ANSWER, clear
from firmware.pairing.bundle import FILE, KEY_FILE

OK, FAILURE = 0, 1
PATIENCE_S = 12.0  # for a broker; it is tried in both versions of MQTT meanwhile
PROCESSES = ("guard", "sounder", "link", "walk")
KINDS = (
    (
        "alerts, the walk so far, her usual sway and stopping time",
        tuple(JOURNAL + end for end in ("", "-wal", "-shm", ".lock")),
    ),
    ("alerts that a damaged journal held", (f"{JOURNAL}.damaged-*",)),
    ("the records of her walks", (walks.FILE,)),
    ("the confirmed notice", (notice.FILE, f".{notice.FILE}.*")),
    ("what the therapist set for her", (remote_settings.FILE, f".{remote_settings.FILE}.*")),
    ("how the device sits on her", (mounting.FILE, f"{mounting.FILE}.damaged-*", f".{mounting.FILE}.*")),
)
PAIRING = (FILE, KEY_FILE)
NOT_WRITTEN_DOWN = (PATTERN,)
RECORDINGS = ("fall-*.mcap", "arming-*.mcap")
KEPT = ("device-id", f"{JOURNAL}.boot", *PAIRING, last_time.FILE)
"""The device's name and certificate, how often it was started, and when its clock was last right: nothing of her."""


def forget(args: argparse.Namespace) -> int:
    """0 when nothing of the walker is left, 1 when something is; it can be repeated."""
    config = settings(args)
    if not config.paths.state_dir.is_dir():
        raise ConfigError(f"[paths] state_dir {config.paths.state_dir}: no such folder, so nothing was deleted")
    if not args.yes and not person_here():
        raise ConfigError("forget asks before it deletes: run it in a terminal, or with --yes")
    with device_at_rest(config, *PROCESSES):
        untold = _untold(config.paths.state_dir / JOURNAL)
        found = list(_files(config))
        _say_what(config, found, untold)
        if not args.yes and asked('Type "forget" to go on: ') != "forget":
            print("nothing was deleted")
            return FAILURE
        named = _named(config)
        left = [*_delete(found), *_clear(config)]
    for line in left:
        print(f"left: {line}", file=sys.stderr)
    if left:
        print("not everything could be deleted; run it again when that is mended", file=sys.stderr)
        return FAILURE
    print(f"deleted: nothing of the walker is left on this device{', nor at its broker' if named else ''}")
    if config.mqtt.host and not named:
        print(
            f"not looked for at the broker: without {config.paths.state_dir / 'device-id'} the device has no name there"
        )
    print("not deleted: what a caregiver's service or Home Assistant has stored of it, and copies made by hand")
    return OK


def _files(config: Config) -> Iterator[tuple[str, Path]]:
    """What it is, and where. Raises RearguardError when a folder cannot be looked into."""
    state_dir, folder = config.paths.state_dir, config.recorder.folder
    looked = [(state_dir, what, patterns) for what, patterns in KINDS]
    looked.append((config.paths.run_dir, "alerts that a killed guard had decided", NOT_WRITTEN_DOWN))
    looked += [(Path(folder), "recordings of her falls", RECORDINGS)] if folder else []
    for place, what, patterns in looked:
        try:
            names = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
        except OSError as error:
            raise RearguardError(f"{place}: cannot be looked into: {error.strerror}; run it with sudo") from error
        for name in names:
            if any(Path(name).match(pattern) for pattern in patterns):
                path = place / name
                yield what, path
                if path.is_symlink() and path.resolve().is_file():
                    yield f"{what}, where {name} leads", path.resolve()


def _say_what(config: Config, found: list[tuple[str, Path]], untold: int) -> None:
    print("This deletes what the device knows of its walker, for good:")
    for what, path in found or [("nothing: no file of hers is here", config.paths.state_dir)]:
        print(f"  {what}: {path}")
    if config.mqtt.host:
        print(f"  what the broker at {config.mqtt.host} keeps of this device, Home Assistant's description included")
    if untold:
        print(f"  alerts among them that nobody has ever accepted: {untold}")
    what = "the device's own name and certificate, how often it was started, and when its clock was last right"
    print(f"It keeps {', '.join(KEPT)}: {what}.")


def _untold(path: Path) -> int:
    if not path.is_file():
        return 0
    try:
        with contextlib.closing(Journal(path)) as journal:
            return len(journal.unaccepted())
    except JournalError:  # it cannot be read; deleting it is what was asked for
        return 0


def _delete(found: list[tuple[str, Path]]) -> Iterator[str]:
    """What could not be deleted, and why."""
    for what, path in found:
        try:
            path.unlink(missing_ok=True)
            sync_directory(path.parent)
        except OSError as error:
            yield f"{path} ({what}): {error.strerror}"


def _named(config: Config) -> bool:
    """Whether a broker knows of this device: without a name it has never told one anything."""
    return bool(config.mqtt.host) and (config.paths.state_dir / "device-id").exists()


def _clear(config: Config) -> Iterator[str]:
    """What the broker still keeps, and why."""
    state_dir, mqtt = config.paths.state_dir, config.mqtt
    if not _named(config):
        return
    from firmware.link.mqtt import Connection
    from firmware.link.pairing import paired

    try:
        device = device_id(state_dir)
        wanted = topics.retained(device)
        mqtt = paired(mqtt, state_dir)
        connection = Connection(mqtt, device)  # as the device: it ends what the broker kept for it as well
    except RearguardError as error:
        yield f"everything at the broker {mqtt.host}: {error}"
        return
    try:
        left = clear(connection, wanted, PATIENCE_S, time.monotonic)
    finally:
        connection.close()
    for topic, reason in left.items():
        where = f"{mqtt.host}:{mqtt.port}"
        remedy = "" if reason != NO_ANSWER else f" at {where}; or there: mosquitto_pub -r -n -t {topic}"
        yield f"{topic}: {reason}{remedy}"
