"""`python -m caregiver.broker`: an embedded broker on this machine alone, for a walk where none is configured.

It speaks MQTT 3.1.1 only, keeps nothing on disk and lets everybody in who is on this machine: for trying out, not for
a caregiver to rely on (docs/MQTT.md says what to install instead).
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import sys
import warnings
from collections.abc import Sequence

from firmware.errors import MissingExtra, RearguardError, how_to_add

HOST = "127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the first line on standard output is `listening 127.0.0.1:PORT`."""
    parser = argparse.ArgumentParser(prog="python -m caregiver.broker", description="A small MQTT 3.1.1 broker.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default): any that is free")
    port = parser.parse_args(arguments).port
    _quiet()
    try:
        asyncio.run(_serve(port))
    except (RearguardError, OSError) as error:
        print(f"broker: {error}", file=sys.stderr)
        return 1
    return 0


def _quiet() -> None:
    """amqtt tells every connection and its own deprecations; here only our own lines count."""
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.CRITICAL)
    logging.disable(logging.CRITICAL)


async def _serve(port: int) -> None:
    try:
        from amqtt.broker import Broker
        from amqtt.errors import BrokerError
    except ImportError as error:
        raise MissingExtra(
            f"the embedded broker needs amqtt ({error}); {how_to_add('demo')}, or use a real broker"
        ) from error
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    port = port or _free_port()
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    try:
        await broker.start()
    except BrokerError as error:
        raise RearguardError(f"{HOST}:{port} cannot be used ({error.__cause__}); choose another --port") from error
    print(f"listening {HOST}:{port}", flush=True)
    await stop.wait()
    with contextlib.suppress(BrokerError, TimeoutError):
        await asyncio.wait_for(broker.shutdown(), timeout=3.0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
