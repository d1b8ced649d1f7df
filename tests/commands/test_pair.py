"""`rearguard pair`: a device is let in, and its link finds the broker."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.home import Home, Person
from support.pairing import Run
from support.waiting import eventually
from support.walk_device import Device

from firmware import cli
from firmware.commands import authority as commands
from firmware.commands.checks.software import broker
from firmware.config import load
from firmware.errors import ConfigError
from firmware.ids import device_id
from firmware.link.config import MqttConfig
from firmware.link.pairing import paired
from firmware.pairing import bundle
from firmware.pairing import certificates as made
from firmware.pairing import device as own
from firmware.pairing.authority import Authority
from firmware.pairing.bundle import FILE, KEY_FILE


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


def test_a_pairing_is_renewed_with_the_same_key(run: Run, device: Device, tmp_path: Path) -> None:
    run("init", "--host", "hub")
    device("pair", "--authority", str(tmp_path / "home"))
    name, before = device_id(device.state), (device.state / FILE).read_text()
    assert run("renew", name)[0] == 0
    assert device("pair", "--install", str(tmp_path / "home" / "issued" / f"{name}.pem"))[0] == 0
    assert (device.state / FILE).read_text() != before
    assert run("renew", name, "--host", "x")[0] == 2


def test_the_bundle_of_another_home_is_not_taken_over_a_pairing(run: Run, device: Device, tmp_path: Path) -> None:
    bundle, _ = _bundle(device, tmp_path, run)
    assert device("pair", "--install", str(bundle))[0] == 0
    before = (device.state / FILE).read_text()
    stranger = Authority.init(tmp_path / "other", ["evil.example"], 8883, datetime.now(UTC))
    theirs = stranger.sign((tmp_path / "request").read_bytes(), "request")
    (tmp_path / "theirs").write_text(theirs.text())
    code, _, err = device("pair", "--install", str(tmp_path / "theirs"))
    assert (code, "is of another home (evil.example)" in err, (device.state / FILE).read_text()) == (2, True, before)
    (device.state / FILE).write_text("damaged")
    assert device("pair", "--install", str(tmp_path / "theirs"))[0] == 0


@pytest.mark.parametrize("host", ["a b", "x\x1b[2J", "*", "hub.local\u202e"])
def test_a_bundle_with_a_broker_of_no_name_is_refused(run: Run, device: Device, tmp_path: Path, host: str) -> None:
    bundle, text = _bundle(device, tmp_path, run)
    bundle.write_text(text.replace("host: hub\n", f"host: {host}\n"))
    code, _, err = device("pair", "--install", str(bundle))
    assert (code, "expected a host name or an address" in err, (device.state / FILE).exists()) == (2, True, False)


@pytest.mark.parametrize("command", [["authority", "list"], ["pair", "--request", "x"]])
def test_without_the_library_the_command_that_installs_it_is_told(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "find_spec", lambda name: None)
    assert cli.main(command) == 2
    assert f"{sys.executable} -m pip install -e '.[pair]'" in capsys.readouterr().err


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_what_root_makes_on_the_device_belongs_to_the_devices_user(run: Run, device: Device, tmp_path: Path) -> None:
    os.chown(device.state, 65534, 65534)
    run("init", "--host", "hub")
    device("pair", "--authority", str(tmp_path / "home"))
    assert {path.stat().st_uid for path in device.state.iterdir()} == {65534}
