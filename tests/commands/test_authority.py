"""`rearguard authority`: what a home's authority signs, what it refuses, and that it is never half made."""

import base64
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from support.mosquitto import BINARY
from support.pairing import Run
from support.walk_device import Device

from firmware import known_day
from firmware.commands import authority as commands
from firmware.errors import ConfigError
from firmware.pairing import certificates as made
from firmware.pairing import names
from firmware.pairing.authority import Authority
from firmware.pairing.bundle import FILE
from firmware.pairing.files import SECRET, write


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


def rules_of(home: Path, name: str) -> list[str]:
    blocks = (home / "broker" / "acl").read_text().split("user ")[1:]
    return next(block.splitlines()[1:] for block in blocks if block.splitlines()[0] == name)


def revoked_numbers(home: Path) -> set[int]:
    return {one.serial_number for one in x509.load_pem_x509_crl((home / "broker" / "crl.pem").read_bytes())}


@pytest.mark.parametrize("where", ["signed", "issued"])
@pytest.mark.parametrize("damage", [b"", b"junk", bytes(range(256))])
def test_one_damaged_file_keeps_nobody_from_being_revoked(run: Run, tmp_path: Path, where: str, damage: bytes) -> None:
    home = tmp_path / "home"
    run("init", "--host", "hub")
    for name in ("ann", "bob"):
        run("caregiver", name)
    (home / where / "bob.pem").write_bytes(damage)
    code, _, err = run("revoke", "ann")
    assert (code, f"{where}/bob.pem: is damaged" in err) == (0, True)
    assert rules_of(home, "ann") == ["topic deny #"]
    assert "read rearguard/v1/#" in "".join(rules_of(home, "bob"))
    assert len(revoked_numbers(home)) == 1  # bob is let in still
    assert ("damaged    bob" in run("list")[1]) == (where == "issued")


@pytest.mark.parametrize("step", ["sync_directory", "write"])
def test_a_revocation_that_was_cut_off_can_be_repeated_and_any_later_command_completes_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    home = tmp_path / "home"
    run("init", "--host", "hub")
    for name in ("ann", "bob"):
        run("caregiver", name)

    def cut(*_: object) -> None:
        raise OSError(5, "the power is cut")

    with monkeypatch.context() as now:
        now.setattr(f"firmware.pairing.authority.{step}", cut)
        assert run("revoke", "ann")[0] != 0
    run("caregiver", "eve")
    assert rules_of(home, "ann") == ["topic deny #"]
    assert run("revoke", "ann")[0] == 0
    assert len(revoked_numbers(home)) == 1


def test_what_a_killed_command_has_left_of_an_authority_goes_with_the_next(run: Run, tmp_path: Path) -> None:
    left = tmp_path / ".home.123"
    left.mkdir()
    (left / "ca-key.pem").write_text("a key")
    run("init", "--host", "hub")
    assert not left.exists()


def settled_by(home: Path) -> list[str]:
    """Who may set what the therapist may, by the rules that the broker reads."""
    blocks = (home / "broker" / "acl").read_text().split("user ")[1:]
    return [block.partition("\n")[0] for block in blocks if "write rearguard/v1/+/cmd/settings\n" in block]


def test_a_therapist_may_set_and_stays_one_when_she_is_renewed_and_is_none_when_she_is_revoked(
    run: Run, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    run("init", "--host", "hub")
    run("caregiver", "ann")
    code, out, _ = run("therapist", "ruth")
    assert (code, f"made: {home}/caregivers/ruth/ with" in out) == (0, True)
    for task in (["list"], ["renew", "ruth"], ["renew"], ["renew", "ann"]):
        assert run(*task)[0] == 0
        assert settled_by(home) == ["ruth"]
        assert re.findall(r"^(caregiver|therapist) +(\w+) ", run("list")[1], re.MULTILINE) == [
            ("caregiver", "ann"),
            ("therapist", "ruth"),
        ]
    code, _, err = run("caregiver", "ruth")
    assert (code, "is let in already, as a therapist" in err) == (2, True)
    run("revoke", "ruth")
    assert settled_by(home) == []
    assert re.search(r"^revoked +ruth ", run("list")[1], re.MULTILINE)
    run("caregiver", "ruth")
    assert settled_by(home) == []


@pytest.mark.parametrize("said", ["", "role: admin\n", "role: caregiver\n"])
def test_a_caregiver_of_an_earlier_version_and_one_of_an_unknown_role_set_nothing(
    run: Run, tmp_path: Path, said: str
) -> None:
    home = tmp_path / "home"
    run("init", "--host", "hub")
    run("therapist", "ann")
    for path in (*(home / "issued").iterdir(), *(home / "signed").iterdir()):
        path.write_text(path.read_text().replace("role: therapist\n", said))
    (home / "broker" / "acl").write_text("as an earlier version wrote it")
    assert run("renew")[0] == 0
    assert "user ann\n" in (home / "broker" / "acl").read_text()
    assert settled_by(home) == []
    assert re.search(r"^caregiver +ann ", run("list")[1], re.MULTILINE)


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
