"""`rearguard walk`: the whole device as separate processes, watched: what it senses, sounds and tells.

Simulated, it also brings the world, a broker where none is named, and a caregiver's client that shows what really
arrives.
"""

import argparse
import contextlib
import math
import signal
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from firmware.commands.embedded_broker import EmbeddedBroker
from firmware.commands.run import check_recordable, make_folders, open_world
from firmware.commands.session import Session
from firmware.config import Config, installed, load
from firmware.errors import ConfigError, NoHardware
from firmware.ipc import Instance
from firmware.link.config import MqttConfig
from firmware.link.pairing import paired
from firmware.link.tls import context


def walk(args: argparse.Namespace) -> int:
    """Walk until the scenario is over or Ctrl-C, then sum up; 0 when all was as it should be."""
    if args.virtual_time:
        from firmware.commands.virtual_walk import virtual_walk

        return virtual_walk(args)
    duration_s = open_world(args).duration_s if args.simulated else math.inf
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        config = _configure(args, stack)
        stack.callback(Instance(config.paths.run_dir, "walk").close)
        broker = None
        if args.simulated and not args.broker and config.mqtt == MqttConfig():
            broker = EmbeddedBroker()
            stack.callback(broker.stop)
        session = Session(args, config, broker, stop, stack)
        session.walk(duration_s)
        return session.end()


def _configure(args: argparse.Namespace, stack: contextlib.ExitStack) -> Config:
    """The configuration; a simulated walk keeps its journal and sockets in a folder that goes with it."""
    config = load(args.config or (None if args.simulated else installed()))
    if args.broker:
        config = replace(config, mqtt=_with_broker(config.mqtt, args.broker))
        context(paired(config.mqtt, config.paths.state_dir) if not args.simulated else config.mqtt)
    if args.record:
        check_recordable(Path(args.record))
    if args.simulated:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rearguard-")))
        paths = replace(config.paths, state_dir=folder / "state", run_dir=folder / "run")
        config = replace(config, paths=paths)
    else:
        _check_hardware(config)
    make_folders(config)
    return config


def _with_broker(mqtt: MqttConfig, address: str) -> MqttConfig:
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")  # as IPv6 addresses are written before a port
    try:
        if not host or not port.isascii() or not port.isdigit():
            raise ValueError("a host and a port number are needed")
        return replace(mqtt, host=host, port=int(port))
    except ValueError as error:
        raise ConfigError(f"--broker {address!r}: expected HOST:PORT, as in 192.168.1.20:1883 ({error})") from None


def _check_hardware(config: Config) -> None:
    """Before four processes find it out one by one."""
    from hal.errors import HalError
    from hal.pins import open_factory

    try:
        open_factory(config.board.factory).close()
    except HalError as error:
        raise NoHardware(f"{error} (without a Pi: rearguard walk --simulated)") from error
