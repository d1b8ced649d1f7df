"""A network that fails on purpose, on this machine alone: a TCP proxy between a client and a broker."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine
from random import Random
from typing import Any

TROUBLES = ("latency", "hole", "refuse", "reset", "flip")
CHUNK = 4096
LATENCY_S = 0.05
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


class ChaosProxy:
    """Passes everything on to `target_port` of this machine, but for the troubles that `cause` begins.

    `passed` counts connections, `caused` troubles that did bite. A flipped bit needs TLS above it to be noticed: over
    plain TCP it would only show what the network card's checksum is for.
    """

    def __init__(self, target_port: int, chance: Random) -> None:
        self._target_port, self._chance = target_port, chance
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos", daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._flips = 0
        self._late = False
        self.port = 0
        self.passed = 0
        self.caused: Counter[str] = Counter()

    def __enter__(self) -> "ChaosProxy":
        self._thread.start()
        self._do(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cause(self, trouble: str, lasting_s: float = 0.2) -> None:
        """Begin one of TROUBLES; it heals by itself. A reset and a flip are over at once."""
        self._do(self._cause(trouble, lasting_s))
        self.caused[trouble] += 1

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _begin(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()
        await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        self._reset()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cause(self, trouble: str, lasting_s: float) -> None:
        match trouble:
            case "latency":
                self._late = True
            case "hole":
                self._flowing.clear()
            case "refuse":
                if self._server is not None:
                    self._server.close()
                self._server = None
                self._reset()
            case "reset":
                self._reset()
            case "flip":
                self._flips += 1
        self._loop.call_later(lasting_s, lambda: self._loop.create_task(self._heal(trouble)))

    async def _heal(self, trouble: str) -> None:
        match trouble:
            case "latency":
                self._late = False
            case "hole":
                self._flowing.set()
            case "refuse":
                if self._server is None:
                    await self._listen()

    def _reset(self) -> None:
        for writer in list(self._open):
            found = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.passed += 1
        with contextlib.suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            self._open |= {writer, there_writer}
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
            self._open -= {writer, there_writer}
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._flowing.wait()
                if self._late:
                    await asyncio.sleep(self._chance.uniform(0, LATENCY_S))
                if self._flips:
                    self._flips -= 1
                    at = self._chance.randrange(8 * len(chunk))
                    chunk = chunk[: at // 8] + bytes([chunk[at // 8] ^ 1 << at % 8]) + chunk[at // 8 + 1 :]
                writer.write(chunk)
                await writer.drain()
        writer.close()
