"""`rearguard authority` and `rearguard pair`: a home is set up, a device is let in, and out again."""

import base64
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from support.home import Home, Person
from support.mosquitto import BINARY
from support.waiting import eventually
from support.walk_device import Device

from firmware import cli, known_day
from firmware.commands import authority as commands
from firmware.commands.checks.software import broker
from firmware.config import load
from firmware.errors import ConfigError
from firmware.ids import device_id
from firmware.link.config import MqttConfig
from firmware.link.pairing import paired
from firmware.pairing import bundle, names
from firmware.pairing import certificates as made
from firmware.pairing import device as own
from firmware.pairing.authority import Authority
from firmware.pairing.bundle import FILE, KEY_FILE
from firmware.pairing.files import SECRET, write

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`rearguard authority ...` on the authority of this test."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            code = cli.main(["authority", *arguments, "--authority", str(tmp_path / "home")])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Device:
    return Device(tmp_path, capsys, 1883)


def settled(device: Device) -> MqttConfig:
    """What the link makes of the delivered configuration and the pairing."""
    return paired(MqttConfig(), device.state)


def test_a_home_is_set_up_in_three_commands(run: Run, device: Device, tmp_path: Path) -> None:
    assert run("init", "--host", "hub.local", "--host", "192.168.1.20")[0] == 0
    code, out, err = device("pair", "--authority", str(tmp_path / "home"))
    assert (code, err) == (0, "")
    assert f"paired: {device_id(device.state)} with the broker at hub.local:8883, until " in out
    assert run("caregiver", "ann")[0] == 0
    config = settled(device)
    assert (config.host, config.port) == ("hub.local", 8883)
    assert config.ca_file == config.cert_file == str(device.state / FILE)
    assert stat.S_IMODE((device.state / KEY_FILE).stat().st_mode) == 0o600
    code, out, _ = run("list")
    assert re.search(r"^device +rg-[0-9a-f]{8}  until ", out, re.MULTILINE)
    assert re.search(r"^caregiver +ann  until ", out, re.MULTILINE)
    assert "ends soon" not in out


def test_a_device_far_from_the_broker_is_let_in_by_two_files_without_a_secret(
    run: Run, device: Device, tmp_path: Path
) -> None:
    run("init", "--host", "hub.local", "--port", "8884")
    request, given = tmp_path / "request.pem", tmp_path / "given.pem"
    assert device("pair", "--request", str(request))[0] == 0
    assert run("sign", str(request), "--out", str(given))[0] == 0
    assert device("pair", "--install", str(given))[0] == 0
    assert (settled(device).host, settled(device).port) == ("hub.local", 8884)
    assert "PRIVATE" not in request.read_text() + given.read_text() + (device.state / FILE).read_text()


@pytest.mark.broker
def test_a_paired_device_s_link_speaks_with_the_shipped_broker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "all").mkdir()
    device = Device(tmp_path, capsys, 1883)
    with Home(tmp_path / "all") as home:
        assert device("pair", "--authority", str(tmp_path / "all" / "authority"))[0] == 0
        config = load(tmp_path / "rearguard.toml")
        assert broker(config.mqtt, device.state).detail == f"localhost:{home.port} answers, TLS 1.3"
        ann = Person(home.config(home.caregiver("ann")))
        home.reload()
        topic = f"rearguard/v1/{device_id(device.state)}/status"
        ann.asks(topic)
        command = [sys.executable, "-m", "firmware", "run", "link", "--config", str(tmp_path / "rearguard.toml")]
        link = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        eventually(lambda: any('"ready"' in payload for _, payload in ann.heard), what="the device is ready")
        link.terminate()
        assert link.wait() == 0
        eventually(lambda: '"ended"' in ann.heard[-1][1], what="the device has ended")
        ann.close()


@pytest.mark.broker
def test_a_caregiver_watches_with_what_was_made_for_her(tmp_path: Path) -> None:
    with Home(tmp_path) as home:
        files = home.caregiver("ann")
        home.reload()
        certificate = [
            "--ca-file",
            files / "ca.pem",
            "--cert-file",
            files / "certificate.pem",
            "--key-file",
            files / "key.pem",
        ]
        command = [sys.executable, "-m", "caregiver.watch", "--host", "localhost", "--port", str(home.port), "--json"]
        watch = subprocess.Popen([*command, *map(str, certificate)], stdout=subprocess.PIPE, text=True)
        assert watch.stdout is not None
        first = json.loads(watch.stdout.readline())
        watch.terminate()
        watch.communicate()
    assert (first["kind"], first["body"]) == ("connected", {"protocol": "5"})


def test_a_walk_with_a_broker_elsewhere_and_without_tls_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["walk", "--simulated", "--broker", "hub.local:1883"]) == 2
    assert "mqtt: hub.local without TLS: others could read and forge what is said" in capsys.readouterr().err


def test_an_authority_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    run("init", "--host", "hub.local")
    before = {path: path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()}
    code, _, err = run("init", "--host", "other.local")
    assert (code, "never overwritten" in err) == (2, True)
    assert {path: path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()} == before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("x")
    with pytest.raises(ConfigError, match="is there already"):
        Authority.init(tmp_path / "full", ["hub"], 8883, datetime.now(UTC))


def test_an_authority_that_could_not_be_finished_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("firmware.pairing.authority._write_crl", full)
        code, _, err = run("init", "--host", "hub.local")
    assert (code, "No space left" in err, list(tmp_path.iterdir())) == (1, True, [])
    assert run("init", "--host", "hub.local")[0] == 0


def test_the_key_of_a_device_is_made_once(run: Run, device: Device, tmp_path: Path) -> None:
    device("pair", "--request", str(tmp_path / "one"))
    key = (device.state / KEY_FILE).read_bytes()
    device("pair", "--request", str(tmp_path / "two"))
    assert (device.state / KEY_FILE).read_bytes() == key
    (device.state / KEY_FILE).write_text("damaged")
    code, _, err = device("pair", "--request", str(tmp_path / "three"))
    assert (code, "no private key that can be read" in err) == (2, True)
    assert (device.state / KEY_FILE).read_text() == "damaged"


def test_another_device_of_the_same_name_is_not_let_in(run: Run, device: Device, tmp_path: Path) -> None:
    """Whoever could have a certificate for a name that is taken could speak as that device."""
    run("init", "--host", "hub")
    device("pair", "--authority", str(tmp_path / "home"))
    name = device_id(device.state)
    thief = tmp_path / "thief"
    thief.mkdir()
    (thief / "device-id").write_text(name)
    request = tmp_path / "request.pem"
    request.write_text(own.request(thief))
    code, _, err = run("sign", str(request))
    assert (code, f"{name} is let in already, with another key" in err) == (2, True)
    run("revoke", name)
    assert run("sign", str(request))[0] == 0  # its card was written anew


def _bundle(device: Device, tmp_path: Path, run: Run) -> tuple[Path, str]:
    run("init", "--host", "hub")
    device("pair", "--request", str(tmp_path / "request"))
    run("sign", str(tmp_path / "request"), "--out", str(tmp_path / "bundle"))
    return tmp_path / "bundle", (tmp_path / "bundle").read_text()


def _certificates(text: str) -> list[str]:
    return re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", text, re.DOTALL)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "not whole"),
        (lambda text: "", "not whole"),
        (lambda text: text.replace("rearguard pairing 1", "rearguard pairing 2"), "not whole"),
        (lambda text: text.replace("port: 8883", "port: 99999"), "no broker in it"),
        (lambda text: text.replace("made: ", "made: x"), "does not match format"),
        (lambda text: text.replace("host: hub\n", ""), "expected a file that `rearguard authority sign` made"),
        (lambda text: re.sub(r"name: rg-.{8}", "name: rg-00000000", text), "take its own bundle"),
        (lambda text: text.replace(*_certificates(text)), "take its own bundle"),
        (lambda text: text.replace(_certificates(text)[1], _certificates(text)[0]), "has not signed it"),
        (lambda text: re.sub(r"until: \d{4}", "until: 2049", text), "sign the request again"),
        (lambda text: text.replace("MII", "MIJ"), "no certificate that can be read"),
    ],
)
def test_a_bundle_that_is_not_as_it_was_signed_is_refused(
    run: Run, device: Device, tmp_path: Path, damage: Callable[[str], str], message: str
) -> None:
    path, text = _bundle(device, tmp_path, run)
    path.write_text(damage(text))
    code, _, err = device("pair", "--install", str(path))
    assert (code, message in err, (device.state / FILE).exists()) == (2, True, False), err


def test_a_bundle_with_another_authority_in_it_is_refused(run: Run, device: Device, tmp_path: Path) -> None:
    """Whoever carries the file must not be able to put a broker of his own into it."""
    path, text = _bundle(device, tmp_path, run)
    other = Authority.init(tmp_path / "next door", ["hub"], 8883, datetime.now(UTC)).certificate
    path.write_text(text.replace(_certificates(text)[1], made.pem(other)))
    code, _, err = device("pair", "--install", str(path))
    assert (code, "its authority has not signed it" in err, (device.state / FILE).exists()) == (2, True, False)


def test_a_bundle_of_another_device_or_for_another_key_is_refused(
    run: Run, device: Device, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = _bundle(device, tmp_path, run)
    (device.state / KEY_FILE).unlink()
    assert "no key yet" in device("pair", "--install", str(path))[2]
    device("pair", "--request", str(tmp_path / "new"))
    assert "another key than this device's" in device("pair", "--install", str(path))[2]
    (device.state / "device-id").write_text("rg-11111111")
    assert "but this device is rg-11111111" in device("pair", "--install", str(path))[2]


@pytest.mark.parametrize("years", [-10, 10])
def test_a_bundle_that_is_not_valid_today_is_refused(run: Run, device: Device, tmp_path: Path, years: int) -> None:
    path, _ = _bundle(device, tmp_path, run)
    now = datetime.now(UTC) + timedelta(days=365 * years)
    with pytest.raises(ConfigError, match=r"set the clock|sign the request again"):
        own.install(device.state, bundle.load(path), "bundle", now)


def test_a_request_that_is_none_is_refused(run: Run, device: Device, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    device("pair", "--request", str(tmp_path / "request"))
    text = (tmp_path / "request").read_text()
    lines = text.splitlines()
    middle = len(lines) // 2
    lines[middle] = lines[middle][::-1]
    for number, wrong in enumerate(("", "x" * 70_000, text.replace("REQUEST", "CERTIFICATE"), "\n".join(lines))):
        path = tmp_path / f"wrong{number}"
        path.write_text(wrong)
        assert run("sign", str(path))[0] in (1, 2), number
    assert not list((tmp_path / "home" / "issued").iterdir())


def test_a_request_by_somebody_without_the_key_is_refused(run: Run, device: Device, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    device("pair", "--request", str(tmp_path / "request"))
    head, *lines, tail = (tmp_path / "request").read_text().splitlines()
    raw = bytearray(base64.b64decode("".join(lines)))
    raw[-1] ^= 1  # of the signature
    (tmp_path / "request").write_text("\n".join([head, base64.b64encode(raw).decode(), tail, ""]))
    code, _, err = run("sign", str(tmp_path / "request"))
    assert (code, "did not have its key" in err) == (2, True), err


def test_a_request_in_a_caregivers_or_a_strange_name_is_refused(run: Run, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    for name in ("ann", "rg-0A1B2C3D", "rg-1", "rg-0a1b2c3d\nuser x", "../rg-0a1b2c3d"):
        (tmp_path / "request").write_text(made.pem(made.new_request(made.new_key(), name)))
        code, _, err = run("sign", str(tmp_path / "request"))
        assert (code, "expected rg- and 8 hex digits" in err) == (2, True)


@pytest.mark.parametrize("host", ["hub.local", "HUB", "192.168.1.20", "fd00::1", "a-b.c"])
def test_a_broker_has_names_and_addresses(host: str) -> None:
    assert names.host_name(host) == host.lower()


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "a/b", "-a", "a-", "a..b", "1.2.3", "1.2.3.400", "a_b", "*", "x" * 64, "a\n"]
)
def test_what_is_no_name_of_a_broker_is_refused(run: Run, host: str) -> None:
    code, _, err = run("init", f"--host={host}")
    assert (code, "expected a host name or an address" in err) == (2, True)


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_cannot_be_is_refused(run: Run, tmp_path: Path, port: str) -> None:
    assert run("init", "--host", "hub", f"--port={port}")[0] == 2
    assert not (tmp_path / "home").exists()


def test_without_an_authority_each_command_says_how_to_make_one(run: Run, device: Device, tmp_path: Path) -> None:
    for arguments in (["list"], ["caregiver", "ann"], ["revoke", "ann"], ["renew"]):
        code, _, err = run(*arguments)
        assert (code, "make one with `rearguard authority init`" in err) == (2, True)
    assert "make one with" in device("pair", "--authority", str(tmp_path / "home"))[2]


def test_who_is_not_let_in_cannot_be_revoked_or_renewed(run: Run) -> None:
    run("init", "--host", "hub")
    for task in ("revoke", "renew"):
        for name in ("ann", "rg-0a1b2c3d"):
            code, _, err = run(task, name)
            assert (code, "nobody of this name is let in" in err) == (2, True)
        assert run(task, "../authority")[0] == 2


def test_whoever_is_revoked_is_listed_as_such_and_her_key_is_gone(run: Run, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    run("caregiver", "ann")
    assert run("caregiver", "ann")[0] == 2
    assert run("revoke", "ann")[0] == 0
    assert not list((tmp_path / "home" / "caregivers").iterdir())
    assert re.search(r"^revoked +ann ", run("list")[1], re.MULTILINE)
    assert run("caregiver", "ann")[0] == 0


def test_a_pairing_is_renewed_with_the_same_key(run: Run, device: Device, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    device("pair", "--authority", str(tmp_path / "home"))
    name, before = device_id(device.state), (device.state / FILE).read_text()
    assert run("renew", name)[0] == 0
    assert device("pair", "--install", str(tmp_path / "home" / "issued" / f"{name}.pem"))[0] == 0
    assert (device.state / FILE).read_text() != before
    assert run("renew", name, "--host", "x")[0] == 2


def test_a_clock_that_is_years_behind_finds_every_certificate_valid(run: Run, device: Device, tmp_path: Path) -> None:
    """The broker's clock as well, which nobody can argue with; and a list of revoked ones that ends locks all out."""
    run("init", "--host", "hub")
    device("pair", "--authority", str(tmp_path / "home"))
    home = tmp_path / "home"
    for path in (home / "ca.pem", home / "broker" / "broker.pem", device.state / FILE):
        found = x509.load_pem_x509_certificate(path.read_bytes())
        assert found.not_valid_before_utc <= datetime(2020, 1, 1, tzinfo=UTC), path
    crl = x509.load_pem_x509_crl((home / "broker" / "crl.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((home / "ca.pem").read_bytes())
    assert crl.last_update_utc <= datetime(2020, 1, 1, tzinfo=UTC)
    assert crl.next_update_utc == authority.not_valid_after_utc


def test_nothing_outlives_the_authority_that_signed_it(run: Run, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    late = Authority(tmp_path / "home", datetime.now(UTC) + timedelta(days=19 * 365))
    late.caregiver("ann")
    ends = {entry.role: entry.until for entry in late.entries()}
    assert ends["caregiver"] == ends["authority"]


def test_list_says_30_days_before_what_ends(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", "--host", "hub")
    run("caregiver", "ann")
    later_s = (datetime.now(UTC) + timedelta(days=5 * 365 - 20)).timestamp()
    monkeypatch.setattr(commands.time, "time", lambda: later_s)
    lines = {line.split()[0]: line for line in run("list")[1].splitlines()}
    assert "ends soon: renew it" in lines["broker"]
    assert "ends soon: renew it" in lines["caregiver"]
    assert "ends soon" not in lines["authority"]


def test_nothing_is_signed_by_a_clock_that_is_known_to_be_wrong(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands.time, "time", lambda: known_day.installed_s() - 1)
    code, _, err = run("init", "--host", "hub")
    assert (code, "before this software was installed" in err, list(tmp_path.iterdir())) == (2, True, [])


@pytest.mark.parametrize("command", [["authority", "list"], ["pair", "--request", "x"]])
def test_without_the_library_the_command_that_installs_it_is_told(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "find_spec", lambda name: None)
    assert cli.main(command) == 2
    assert f"{sys.executable} -m pip install -e '.[pair]'" in capsys.readouterr().err


def test_two_commands_at_the_same_time_forget_nobody(run: Run, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    home = tmp_path / "home"
    wanted = [f"person {number}" for number in range(8)]

    def let_in(name: str) -> None:
        Authority(home, datetime.now(UTC)).caregiver(name)

    threads = [threading.Thread(target=let_in, args=(name,)) for name in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rules = (home / "broker" / "acl").read_text()
    assert [name for name in wanted if f"user {name}\n" not in rules] == []


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    write(path, "old", SECRET)

    def cut(handle: int) -> None:
        raise OSError(5, "power")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", cut)
        with pytest.raises(OSError, match="power"):
            write(path, "new", SECRET)
    assert (path.read_text(), [one.name for one in tmp_path.iterdir()]) == ("old", ["key"])


# What the link makes of it


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (MqttConfig(), ("hub", 8883, True)),
        (MqttConfig(host="10.0.0.5"), ("10.0.0.5", 8883, True)),
        (MqttConfig(port=9999), ("hub", 9999, True)),
        (MqttConfig(host=""), ("", 1883, False)),
        (MqttConfig(host="other", port=8883, ca_file="theirs.pem"), ("other", 8883, False)),
    ],
)
def test_the_pairing_serves_for_what_the_configuration_leaves_open(
    run: Run, device: Device, tmp_path: Path, config: MqttConfig, expected: tuple[str, int, bool]
) -> None:
    run("init", "--host", "hub")
    device("pair", "--authority", str(tmp_path / "home"))
    found = paired(config, device.state)
    assert (found.host, found.port, found.cert_file == str(device.state / FILE)) == expected


def test_without_a_pairing_the_configuration_stays_as_it_is(tmp_path: Path) -> None:
    assert paired(MqttConfig(), tmp_path) == MqttConfig()
    assert paired(MqttConfig(), tmp_path / "absent") == MqttConfig()


def test_a_damaged_pairing_is_told_and_nothing_is_said_in_the_clear(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("\0rot")
    with pytest.raises(ConfigError, match="not whole"):
        paired(MqttConfig(), tmp_path)
    check = broker(MqttConfig(), tmp_path)
    assert (check.status, FILE in check.detail) == ("fail", True)


def test_pairing_is_kept_when_the_walker_is_forgotten(run: Run, device: Device, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    device("pair", "--authority", str(tmp_path / "home"))
    (tmp_path / "rearguard.toml").write_text(
        (tmp_path / "rearguard.toml").read_text().replace('host = "127.0.0.1"', 'host = ""')
    )
    assert device("forget", "--yes")[0] == 0
    assert (device.state / FILE).exists()
    assert (device.state / KEY_FILE).exists()


# As root, the way it is installed


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users may pass: pytest's own may not be."""
    folder = Path(tempfile.mkdtemp(prefix="rearguard-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def _may_read(user: str, path: Path) -> bool:
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "cat", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_the_brokers_user_reads_what_it_needs_and_no_other_key(reachable: Path) -> None:
    assert BINARY
    users = {entry.pw_name for entry in pwd.getpwall()}
    if "mosquitto" not in users:
        pytest.skip("Mosquitto has no user of its own here")
    home = Authority.init(reachable / "home", ["hub"], 8883, datetime.now(UTC))
    home.caregiver("ann")
    for name in ("ca.pem", "broker.pem", "crl.pem", "acl"):
        assert _may_read("mosquitto", reachable / "home" / "broker" / name), name
        assert not _may_read("nobody", reachable / "home" / "broker" / name), name
    for secret in ("ca-key.pem", "caregivers/ann/key.pem", "issued/ann.pem"):
        assert not _may_read("mosquitto", reachable / "home" / secret), secret


def test_where_mosquitto_comes_later_what_to_do_then_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "BROKER_GROUP", "no-such-group")
    assert "chgrp -R no-such-group" in run("init", "--host", "hub")[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_what_root_makes_on_the_device_belongs_to_the_devices_user(run: Run, device: Device, tmp_path: Path) -> None:
    os.chown(device.state, 65534, 65534)
    run("init", "--host", "hub")
    device("pair", "--authority", str(tmp_path / "home"))
    assert {path.stat().st_uid for path in device.state.iterdir()} == {65534}
