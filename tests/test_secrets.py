"""No secret is in the repository, preset or printed; and how to report a weakness is written down."""

import ast
import logging
import re
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.home import Home
from support.walk_device import Device

from firmware import cli
from firmware.link.config import MqttConfig
from firmware.link.mqtt import MqttClient
from firmware.pairing import device
from firmware.pairing.authority import Authority
from firmware.pairing.bundle import KEY_FILE

ROOT = Path(__file__).parents[1]
KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)-----END")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    names = listed.split("\0")[:-1] or [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.*")]
    return [path for name in names if (path := ROOT / name).is_file() and ".venv" not in path.parts]


def test_no_key_and_no_password_is_in_the_repository() -> None:
    files = tracked()
    assert ROOT / "deploy" / "rearguard.toml" in files
    assert [path for path in files if KEY.search(path.read_text(errors="replace"))] == []
    assert [path for path in files if path.suffix in (".key", ".p12", ".pfx", ".jks", ".crt", ".pem")] == []
    assert (MqttConfig().username, MqttConfig().password_file, MqttConfig().key_file) == ("", "", "")


def test_a_key_in_the_repository_would_be_found(tmp_path: Path) -> None:
    Authority.init(tmp_path / "home", ["hub"], 8883, datetime.now(UTC))
    assert KEY.search((tmp_path / "home" / "ca-key.pem").read_text())
    assert KEY.search((tmp_path / "home" / "broker" / "broker.pem").read_text())


def test_every_home_and_every_device_has_keys_of_its_own(tmp_path: Path) -> None:
    keys = set()
    for number in range(4):
        home, state = tmp_path / f"home{number}", tmp_path / f"state{number}"
        Authority.init(home, ["hub"], 8883, datetime.now(UTC)).caregiver("ann")
        device.request(state)
        for path in (home / "ca-key.pem", home / "broker" / "broker.pem", home / "caregivers" / "ann" / "key.pem"):
            keys.add(found(path))
        keys.add(found(state / KEY_FILE))
    assert len(keys) == 16


def found(path: Path) -> str:
    match = KEY.search(path.read_text())
    assert match
    return match[1]


def test_no_key_is_printed_logged_or_told_in_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mine, home = Device(tmp_path, capsys), tmp_path / "home"
    said = ""

    def authority(*arguments: str) -> None:
        nonlocal said
        cli.main(["authority", *arguments, "--authority", str(home)])
        said += "".join(capsys.readouterr())

    authority("init", "--host", "localhost")
    said += "".join(map(str, mine("pair", "--authority", str(home))))
    authority("caregiver", "ann")
    authority("caregiver", "ann")  # refused
    authority("list")
    paths = [mine.state / KEY_FILE, home / "ca-key.pem", home / "caregivers" / "ann" / "key.pem"]
    secrets = [found(path).replace("\n", "")[40:100] for path in paths]
    text = (home / "ca-key.pem").read_text()
    (home / "ca-key.pem").write_text(text.replace("=", "A"))  # damaged: the error must not show what is left
    authority("list")
    (mine.state / KEY_FILE).write_text((mine.state / KEY_FILE).read_text()[:-60])
    said += "".join(map(str, mine("pair", "--request", str(tmp_path / "request"))))
    said += caplog.text
    assert "no private key that can be read" in said
    assert [secret for secret in secrets if secret in said.replace("\n", "")] == []


def test_no_process_of_the_device_listens_on_a_network() -> None:
    """Outward connections alone: the link calls the broker. The embedded broker is for trying out, on loopback."""
    paths = [path for package in ("firmware", "hal") for path in (ROOT / package).rglob("*.py")]
    assert [path for path in paths if listens(path.read_text())] == []


@pytest.mark.parametrize(
    "source", ["socket.create_server(('', 1))", "socket.socket()", "socket.socket(socket.AF_INET6, kind)"]
)
def test_a_process_that_listened_would_be_found(source: str) -> None:
    assert listens(source)


def listens(source: str) -> bool:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ("create_server", "AF_INET", "AF_INET6"):
            return True
        if (
            isinstance(node, ast.Call)
            and not (node.args or node.keywords)
            and ast.unparse(node.func) == "socket.socket"
        ):
            return True
    return False


def test_how_to_report_a_weakness_is_written_down_with_its_times() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert "Report a vulnerability" in text
    assert "90 days" in text


def test_each_provision_has_an_answer_with_a_test_or_says_that_it_has_none() -> None:
    table = (ROOT / "docs" / "SAFETY.md").read_text().partition("## Security")[2]
    rows = re.findall(r"^\| (5\.\d+|6) [^|]+\|([^|]+)\|([^|]+)\|$", table, re.MULTILINE)
    assert [number for number, _, _ in rows] == [*(f"5.{number}" for number in range(1, 14)), "6"]
    for number, answer, shown in rows:
        tests = re.findall(r"`(tests/[\w/.]+)`", shown)
        assert tests or "**not yet**" in answer.lower(), number
        assert all((ROOT / test).exists() for test in tests), number


def test_a_link_says_nothing_of_its_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    home = Home(tmp_path)
    files = home.device("rg-0000000a")
    with closing(MqttClient(home.config(files), "rg-0000000a")) as client:
        client.poll()
    assert found(files / "key.pem")[:40] not in caplog.text + repr(vars(client))
