"""A network that fails in every way between link, broker and reader: late at worst, never lost, doubled or changed."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from random import Random

import pytest

from bench._alerts_line import through_chaos
from bench._alerts_proxy import TROUBLES, ChaosProxy

FOR_GOOD_S = 60.0


@pytest.fixture
def proxy() -> Iterator[ChaosProxy]:
    """Before a server that says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()

        def echo(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                while chunk := connection.recv(100):
                    connection.sendall(chunk)

        threading.Thread(target=serve, daemon=True).start()
        with ChaosProxy(server.getsockname()[1], Random(0)) as running:
            yield running
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def line(proxy: ChaosProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as connected:
        assert said_back(connected) == b"before"
        yield connected


def said_back(line: socket.socket, word: bytes = b"before") -> bytes:
    line.sendall(word)
    return line.recv(100)


def test_a_hole_swallows_until_it_heals(proxy: ChaosProxy, line: socket.socket) -> None:
    proxy.cause("hole", FOR_GOOD_S)
    line.settimeout(0.1)
    with pytest.raises(TimeoutError):
        said_back(line, b"into the hole")
    proxy.cause("hole", 0.0)
    line.settimeout(30)
    assert line.recv(100) == b"into the hole"


def test_a_refusal_ends_what_is_there_and_lets_nobody_in(proxy: ChaosProxy, line: socket.socket) -> None:
    proxy.cause("refuse", FOR_GOOD_S)
    with pytest.raises(ConnectionError):
        said_back(line)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port))


def test_a_reset_ends_what_is_there_and_lets_the_next_one_in(proxy: ChaosProxy, line: socket.socket) -> None:
    proxy.cause("reset")
    with pytest.raises(ConnectionError):
        said_back(line)
    with socket.create_connection(("127.0.0.1", proxy.port)) as another:
        assert said_back(another) == b"before"


def test_a_flip_changes_one_bit_of_one_answer(proxy: ChaosProxy, line: socket.socket) -> None:
    proxy.cause("flip")
    answer = said_back(line)
    assert sum((a ^ b).bit_count() for a, b in zip(answer, b"before", strict=True)) == 1
    assert said_back(line) == b"before"


def test_latency_is_only_late(proxy: ChaosProxy, line: socket.socket) -> None:
    proxy.cause("latency", FOR_GOOD_S)
    assert [said_back(line, bytes([letter])) for letter in b"word"] == [b"w", b"o", b"r", b"d"]


# paho leaves the socket of a TLS handshake that failed to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.broker
def test_alerts_arrive_once_and_in_order_through_every_trouble() -> None:
    found = through_chaos(8, 40, connected_between=True)
    assert set(found["troubles"]) == set(TROUBLES)
    assert (found["events"], found["lost"], found["doubled"], found["changed"]) == (40, 0, 0, 0)
    assert found["in_order"]
    assert found["connections"] > 3, "the troubles did bite"
