"""Whom the link speaks with, and that it says why when it does not: paho says "Unspecified error" for everything."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.home import Home
from support.mosquitto import Mosquitto, free_port
from support.waiting import eventually

from firmware.commands.checks.software import broker
from firmware.errors import ConfigError
from firmware.link import mqtt, tls
from firmware.link.config import MqttConfig
from firmware.link.last_time import LastTime
from firmware.link.mqtt import Connection, MqttClient
from firmware.link.tls import Context, is_loopback, probe
from firmware.pairing.certificates import FROM, Span

DEVICE = "rg-0000000a"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
GOOD = Span(FROM, NOW + 3650 * DAY)


class Answering:
    """Something that listens and shakes hands with any certificate, as somebody between us and the broker would."""

    def __init__(self, files: Path, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(files / "certificate.pem", files / "key.pem")
        self._context.maximum_version = newest
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain = self._server.accept()[0]
                with plain, contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(4096)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.kill()


def words(config: MqttConfig, caplog: pytest.LogCaptureFixture) -> str:
    """What the link says of a connection that fails; the doctor's words are the same."""
    caplog.clear()
    with contextlib.closing(MqttClient(config, DEVICE)) as client:
        eventually(lambda: client.poll() is not None and caplog.messages, what="the link's reason")
        assert not client.connected
    said = caplog.messages[0].removeprefix("MQTT: ").removesuffix("; trying on")
    check = broker(config)
    assert (check.status, check.detail) == ("fail", said)
    return said


@pytest.mark.broker
def test_a_paired_device_is_let_in_over_tls_1_3(home: Home) -> None:
    files = home.device(DEVICE)
    home.start()
    with contextlib.closing(MqttClient(home.config(files), DEVICE)) as client:
        eventually(lambda: client.poll() is not None and client.connected, what="connected")
        assert client._paho is not None
        secured = client._paho.socket()
        assert isinstance(secured, ssl.SSLSocket)
        assert secured.version() == "TLSv1.3"
        assert client.warning == ""
    check = broker(home.config(files))
    assert (check.status, check.detail) == ("ok", f"localhost:{home.port} answers, TLS 1.3")


Maker = Callable[[Home, Path], Path | None]
OURS: dict[str, tuple[Maker, str]] = {
    "none": (lambda home, _: None, "asks for a certificate, and this device has none: pair it"),
    "expired": (
        lambda home, _: home.forged(DEVICE, Span(FROM, NOW - DAY)),
        f"this device's certificate has expired, by the broker's clock: `rearguard authority renew {DEVICE}`",
    ),
    "not yet valid": (
        lambda home, _: home.forged(DEVICE, Span(NOW + DAY, NOW + 2 * DAY)),
        "is not valid yet by the broker's clock, or damaged: set it, or pair",
    ),
    "of another home": (
        lambda home, folder: home.forged(DEVICE, GOOD, of=Home(folder / "next")),
        "the broker does not know the authority of this device's certificate",
    ),
    "revoked": (lambda home, _: _revoked(home), "this device's certificate was revoked"),
    "a broker's": (lambda home, _: home.forged(DEVICE, GOOD, hosts=("localhost",)), "takes this device's certificate"),
}


def _revoked(home: Home) -> Path:
    files = home.device(DEVICE)
    home.authority.revoke(DEVICE)
    return files


@pytest.mark.broker
@pytest.mark.parametrize("kind", OURS)
def test_a_certificate_that_the_broker_refuses_is_told_by_its_reason(
    home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    (tmp_path / "next").mkdir()
    make, expected = OURS[kind]
    files = make(home, tmp_path)
    home.start()
    assert expected in words(home.config(files), caplog)


THEIRS: dict[str, tuple[Maker, str]] = {
    "expired": (
        lambda home, _: home.forged("hub", Span(FROM, NOW - DAY), hosts=("localhost",)),
        "the broker's certificate has expired, by this device's clock",
    ),
    "not yet valid": (
        lambda home, _: home.forged("hub", Span(NOW + DAY, NOW + 2 * DAY), hosts=("localhost",)),
        "the broker's certificate is not valid yet, by this device's clock",
    ),
    "of another home": (
        lambda home, folder: home.forged("hub", GOOD, of=Home(folder / "next"), hosts=("localhost",)),
        "has a certificate of another authority than ours",
    ),
    "for another host": (
        lambda home, _: home.forged("hub", GOOD, hosts=("hub.local",)),
        "does not name localhost: `rearguard authority renew --host localhost`",
    ),
    "of another device of this home": (
        lambda home, _: home.device("rg-0000000b"),
        "is no broker of this home, but has the certificate of somebody in it",
    ),
}


@pytest.mark.parametrize("kind", THEIRS)
def test_who_is_not_the_broker_is_told_nothing_and_the_reason_is(
    home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    (tmp_path / "next").mkdir()
    make, expected = THEIRS[kind]
    files = make(home, tmp_path)
    assert files is not None
    with contextlib.closing(Answering(files)) as stranger:
        config = replace(home.config(home.device(DEVICE)), port=stranger.port)
        assert expected in words(config, caplog)


def test_a_broker_that_knows_no_tls_1_3_is_told_nothing(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    files = home.forged("hub", GOOD, hosts=("localhost",))
    with contextlib.closing(Answering(files, ssl.TLSVersion.TLSv1_2)) as old:
        config = replace(home.config(home.device(DEVICE)), port=old.port)
        assert words(config, caplog) == "the broker does not speak TLS 1.3: use Mosquitto 2.0 or later"


@pytest.mark.broker
def test_a_port_without_tls_is_told_as_that(home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Mosquitto(tmp_path) as plain:
        said = words(replace(home.config(home.device(DEVICE)), port=plain.port), caplog)
    assert "without TLS" in said or "no TLS at" in said


def test_nobody_there_is_no_matter_of_certificates(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    config = replace(home.config(home.device(DEVICE)), port=free_port())
    with contextlib.closing(MqttClient(config, DEVICE)) as client:
        eventually(lambda: client.poll() is not None and caplog.messages, what="the link's reason")
    assert caplog.messages == [f"MQTT: no answer from localhost:{config.port}; trying on"]
    check = broker(config)
    assert (check.status, "does not answer" in check.detail) == ("warn", True)


@pytest.mark.broker
def test_the_reason_is_said_once_and_the_protocol_is_not_blamed_for_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt, "RECONNECT_S", (0, 0))
    attempts: list[int] = []
    failed = Context.failed
    monkeypatch.setattr(Context, "failed", lambda context, error: (attempts.append(1), failed(context, error))[1])
    home.start()
    with contextlib.closing(MqttClient(home.config(None), DEVICE)) as client:
        eventually(lambda: client.poll() is not None and len(attempts) >= 4, what="four attempts")
        assert client._protocol == "5"
    assert len(caplog.messages) == 1


# A clock that is wrong


def behind(config: MqttConfig) -> Context:
    """As on a device that wakes up in 1970."""
    return Context(config, now_s=lambda: 0.0)


def test_a_device_whose_clock_is_behind_its_own_pairing_still_finds_its_broker(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real clock is behind here: the pairing and the broker's certificate are of a year from now."""
    later = NOW + 365 * DAY
    files = home.forged("hub", Span(later - DAY, later + 3650 * DAY), hosts=("localhost",))
    mine = home.device(DEVICE)
    with contextlib.closing(Answering(files)) as hub:
        config = replace(home.config(mine), port=hub.port)
        with pytest.raises(tls.Refused, match="not valid yet"):
            probe(config, 5.0)
        _made(mine, later)
        assert probe(config, 5.0).trouble == ""


def test_a_certificate_that_ended_before_the_newest_known_time_is_refused_by_any_clock(home: Home) -> None:
    later = NOW + 365 * DAY
    files = home.forged("hub", Span(FROM, NOW + DAY), hosts=("localhost",))
    mine = home.device(DEVICE)
    _made(mine, later)
    with contextlib.closing(Answering(files)) as hub, pytest.raises(tls.Refused, match=r"valid from .* set it"):
        probe(replace(home.config(mine), port=hub.port), 5.0)


def _was_right(files: Path, when: datetime) -> None:
    """Let the link have run then, with a clock that was set."""
    LastTime(files, when.timestamp).keep()


@pytest.mark.parametrize(("days_good", "let_in"), [(1, False), (365 + 1, True)])
def test_a_clock_that_fell_back_is_held_to_the_last_time_that_was_right(
    home: Home, days_good: int, let_in: bool
) -> None:
    """In 1970 again, a year after the pairing: a certificate of the broker's that ended meanwhile may be stolen."""
    files = home.forged("hub", Span(FROM, NOW + days_good * DAY), hosts=("localhost",))
    mine = home.device(DEVICE)
    _was_right(mine, NOW + 365 * DAY)
    with contextlib.closing(Answering(files)) as hub:
        config = replace(home.config(mine), port=hub.port)
        if let_in:
            assert _handshake(config, 0.0).trouble == ""
            return
        with pytest.raises(tls.Refused, match=r"valid from .* and it is at least .* says 1970-01-01: set it"):
            _handshake(config, 0.0)


def _handshake(config: MqttConfig, now_s: float) -> Context:
    """With the broker, at that time."""
    context = Context(config, now_s=lambda: now_s)
    with (
        socket.create_connection((config.host, config.port), timeout=5.0) as plain,
        context.wrap_socket(plain, server_hostname=config.host),
    ):
        return context


def test_a_last_time_beyond_our_own_certificate_s_end_is_not_believed(home: Home) -> None:
    """It would lock the device out: whatever the broker shows has ended by then."""
    files = home.forged("hub", GOOD, hosts=("localhost",))
    mine = home.device(DEVICE)
    _was_right(mine, NOW + 9 * 365 * DAY)
    assert Context(home.config(mine)).now_s() < (NOW + DAY).timestamp()
    with contextlib.closing(Answering(files)) as hub:
        assert probe(replace(home.config(mine), port=hub.port), 5.0).trouble == ""


def test_a_link_that_runs_learns_the_last_time_while_it_runs(home: Home) -> None:
    context = behind(home.config(mine := home.device(DEVICE)))
    _was_right(mine, NOW + 365 * DAY)
    assert context.now_s() == pytest.approx((NOW + 365 * DAY).timestamp(), abs=1)


def test_a_clock_that_is_set_in_the_middle_of_a_handshake_lets_nobody_in_whose_time_is_over(home: Home) -> None:
    """OpenSSL was told to leave the dates alone, so they are ours to look at."""
    files = home.forged("hub", Span(FROM, NOW - DAY), hosts=("localhost",))
    now = [0.0]
    with contextlib.closing(Answering(files)) as hub:
        config = replace(home.config(home.device(DEVICE)), port=hub.port)
        context = Context(config, now_s=lambda: now[0])
        with socket.create_connection((config.host, config.port), timeout=5.0) as plain:
            plain_tls = context.wrap_socket(plain, server_hostname=config.host, do_handshake_on_connect=False)
            now[0] = (NOW + DAY).timestamp()
            with pytest.raises(tls.Refused, match="valid from"):
                plain_tls.do_handshake()


def _made(files: Path, when: datetime) -> None:
    """Let the pairing have been made then."""
    path = files / "certificate.pem"
    lines = path.read_text().split("\n")
    lines[4] = f"made: {when:%Y-%m-%dT%H:%M:%SZ}"
    path.write_text("\n".join(lines))


def test_the_names_and_the_authority_count_with_a_wrong_clock_as_well(home: Home, tmp_path: Path) -> None:
    (tmp_path / "next").mkdir()
    mine = home.device(DEVICE)
    _made(mine, NOW + 365 * DAY)
    strange = home.forged("next", GOOD, of=Home(tmp_path / "next"), hosts=("localhost",))
    for files, reason in ((strange, "another authority"), (home.forged("hub", GOOD, hosts=("x",)), "does not name")):
        with contextlib.closing(Answering(files)) as hub, pytest.raises(tls.Refused, match=reason):
            probe(replace(home.config(mine), port=hub.port), 5.0)


def test_once_the_clock_is_right_openssl_looks_at_the_dates_again(home: Home) -> None:
    now = [0.0]
    context = Context(home.config(home.device(DEVICE)), now_s=lambda: now[0])
    for now[0], left_to_us in ((0.0, True), ((NOW + DAY).timestamp(), False), (0.0, True)):
        near, far = socket.socketpair()
        with near, far, context.wrap_socket(near, server_hostname="x", do_handshake_on_connect=False):
            assert bool(context.verify_flags & tls.NO_CHECK_TIME) == left_to_us


# What ends soon


@pytest.mark.parametrize(("days", "told"), [(31, ""), (29, "in 29 days"), (-1, "already")])
def test_a_certificate_that_ends_is_told_30_days_before(home: Home, days: int, told: str) -> None:
    files = home.forged(DEVICE, Span(FROM, NOW + 365 * DAY))
    late_s = (NOW + (365 - days) * DAY).timestamp()
    warning = Context(home.config(files), now_s=lambda: late_s).warning()
    assert (told in warning, bool(warning)) == (True, bool(told))
    assert not told or f"`rearguard authority renew {DEVICE}`" in warning


@pytest.mark.broker
def test_the_broker_s_certificate_that_ends_is_told_as_well(home: Home) -> None:
    files = home.forged("hub", Span(FROM, NOW + 10 * DAY), hosts=("localhost",))
    with contextlib.closing(Answering(files)) as hub:
        check = broker(replace(home.config(home.device(DEVICE)), port=hub.port))
    assert check.status == "warn"
    assert check.detail.startswith(f"the broker's certificate ends on {NOW + 10 * DAY:%Y-%m-%d}")
    assert "`rearguard authority renew` where the broker runs" in check.detail


def test_a_clock_that_is_behind_does_not_hide_what_ends(home: Home) -> None:
    files = home.forged(DEVICE, Span(FROM, NOW + 5 * DAY))
    assert "ends on" in behind(home.config(files)).warning()


# What is never done


@pytest.mark.parametrize(
    "host", ["hub.local", "192.168.1.20", "localhost.example.org", "0.0.0.0", "::", "127.0.0.1.nip.io"]
)
def test_nothing_is_said_without_tls_to_anybody_but_this_machine(host: str) -> None:
    with pytest.raises(ConfigError, match=f"mqtt: {host} without TLS.*pair the device.*docs/PAIRING"):
        Connection(MqttConfig(host), DEVICE)
    assert broker(MqttConfig(host)).status == "fail"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "localhost."])
def test_this_machine_needs_no_tls(host: str) -> None:
    assert is_loopback(host)


def test_a_key_that_is_locked_with_a_password_is_refused_and_nobody_is_asked_for_it(home: Home) -> None:
    from cryptography.hazmat.primitives import serialization as form

    from firmware.pairing.certificates import new_key

    files = home.device(DEVICE)
    locked = new_key().private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret")
    )
    (files / "key.pem").write_bytes(locked)
    with pytest.raises(ConfigError, match="certificate files cannot be used"):
        Context(home.config(files))


def test_another_key_than_the_certificates_is_refused_before_anything_is_said(home: Home) -> None:
    files, other = home.device(DEVICE), home.device("rg-0000000b")
    (files / "key.pem").write_text((other / "key.pem").read_text())
    with pytest.raises(ConfigError, match=r"(?i)key.values.mismatch"):
        Context(home.config(files))


def test_somebody_elses_certificate_is_used_without_its_dates(home: Home) -> None:
    files = home.device(DEVICE)
    text = (files / "certificate.pem").read_text()
    (files / "certificate.pem").write_text(text[text.index("-----BEGIN") :])
    assert Context(home.config(files)).warning() == ""
