"""What Rearguard runs on and talks to: Python, the extras, the broker, the GPIO library."""

import fcntl
import socket
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from firmware.commands.checks.check import Check
from firmware.commands.checks.probe import told
from firmware.errors import ConfigError, how_to_add
from firmware.link import tls
from firmware.link.config import MqttConfig
from firmware.link.pairing import paired
from hal.errors import PinsUnavailable
from hal.pins import FactoryName, open_factory

OLDEST_PYTHON = (3, 11)
BROKER_TIMEOUT_S = 1.5


def python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Check("python", "ok", f"Python {found}")
    return Check("python", "fail", f"Python {found}, expected 3.11 or newer", "use Debian 12 or newer")


def recording() -> Check:
    if find_spec("mcap") is not None:
        return Check("recording", "ok", "walks can be recorded")
    return Check("recording", "warn", "walks cannot be recorded", how_to_add("recording"))


def broker(config: MqttConfig, state_dir: Path | None = None) -> Check:
    """Whether the link can start, and anything answers there; what it lets us do is the link's to find out.

    With TLS a handshake is made, so that a certificate that is refused is told by its reason.
    """
    if not config.host:
        return Check("broker", "warn", "no broker is set: nobody will be told of a fall", "set mqtt.host")
    try:
        config = config if state_dir is None else paired(config, state_dir)
        _check_link(config)
        return _secured(config) if config.ca_file else _plain(config)
    except ConfigError as error:
        advice = "correct [mqtt] of rearguard.toml, or the file's owner and mode; until then nobody is told of a fall"
        return Check("broker", "fail", str(error), advice)
    except tls.Refused as error:
        return Check("broker", "fail", str(error), "until then alerts are kept, and nobody is told of a fall")
    except OSError as error:
        advice = "start it, or set mqtt.host and mqtt.port; until then alerts are kept, and nobody is told"
        what = f"{config.host}:{config.port} does not answer: {error.strerror or error}"
        return Check("broker", "warn", what, advice)


def _check_link(config: MqttConfig) -> None:
    tls.context(config)
    if config.password_file:  # it costs an import otherwise
        from firmware.link.mqtt import check_files

        check_files(config)


def _plain(config: MqttConfig) -> Check:
    socket.create_connection((config.host, config.port), timeout=BROKER_TIMEOUT_S).close()
    return Check("broker", "ok", f"{config.host}:{config.port} answers, on this machine alone")


def _secured(config: MqttConfig) -> Check:
    ending = tls.probe(config, BROKER_TIMEOUT_S).warning()
    what = f"{config.host}:{config.port} answers, TLS 1.3"
    return Check("broker", "warn", ending, f"{what}; it works until then") if ending else Check("broker", "ok", what)


def running(run_dir: Path) -> Check:
    """Whether the parts are in use: two who set up one motion sensor would make each other's numbers wrong.

    Looks at the locks of `firmware.ipc.Instance` without making any: a lock made by root would keep the device's own
    user from starting.
    """
    try:
        held = [name for name in ("guard", "sounder") if _held(run_dir / f"{name}.lock")]
    except OSError as error:
        what = f"whether somebody uses the parts cannot be seen: {error.filename or run_dir}: {error.strerror}"
        return Check("running", "fail", what, "run it with sudo")
    if not held:
        return Check("running", "ok", "nobody else uses the parts")
    advice = (
        "sudo systemctl stop rearguard.target, and start it again afterwards; "
        "or Ctrl-C in the terminal of `rearguard run`"
    )
    end = "" if len(held) > 1 else "s"
    what = f"the {' and the '.join(held)} run{end} and use{end} the parts"
    return Check("running", "fail", what, advice)


def _held(lock: Path) -> bool:
    """Raises OSError when it may not be read."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):  # there is none
        return False
    return False


def gpio(factory: FactoryName) -> Check:
    """Whether the GPIO library that is configured works on this machine."""
    try:
        open_factory(factory).close()
    except PinsUnavailable as error:
        return replace(told("gpio", "not found", [error], 1, ""), missing=True)
    return Check("gpio", "ok", f"{factory} works")
