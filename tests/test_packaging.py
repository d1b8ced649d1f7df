"""What the package asks for must be installable on every machine that it is meant for."""

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from firmware.commands.story import PATTERNS
from firmware.version import VERSION

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
MACHINES = ("aarch64", "armv7l", "armv6l", "x86_64")
PYTHONS = ("3.11", "3.12", "3.13")
COMPILED_AT_INSTALL = {"rpi-gpio", "rpi.gpio"}  # sdist only


def asked_for(requirements: list[str], python: str, machine: str) -> set[str]:
    """The names that pip would look for, with the project's own extras followed."""
    environment = {"python_version": python, "platform_machine": machine, "sys_platform": "linux"}
    names: set[str] = set()
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({**environment, "extra": ""}):
            continue
        if requirement.name == "rearguard":
            for extra in requirement.extras:
                names |= asked_for(EXTRAS[extra], python, machine)
        else:
            names.add(requirement.name.lower())
    return names


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
def test_no_extra_but_rpigpio_compiles_anything(python: str, machine: str) -> None:
    for extra, requirements in EXTRAS.items():
        compiled = asked_for(requirements, python, machine) & COMPILED_AT_INSTALL
        assert bool(compiled) == (extra == "rpigpio" and machine != "x86_64"), extra


@pytest.mark.parametrize(
    ("python", "machine", "wanted"),
    [
        ("3.11", "aarch64", True),
        ("3.12", "armv7l", True),
        ("3.13", "aarch64", False),  # no wheels there: pip would take an empty package of the same name
        ("3.13", "armv7l", False),
        ("3.11", "x86_64", False),
    ],
)
def test_lgpio_is_asked_for_only_where_it_has_wheels(python: str, machine: str, wanted: bool) -> None:
    assert ("lgpio" in asked_for(EXTRAS["pi"], python, machine)) == wanted


@pytest.mark.parametrize(
    ("machine", "wanted"),
    [
        ("x86_64", {"scikit-learn", "imufusion", "vqf"}),
        ("aarch64", {"scikit-learn", "imufusion"}),
        ("armv7l", set()),
        ("armv6l", set()),
    ],
)
def test_what_benches_compare_with_is_asked_for_only_where_it_has_wheels(machine: str, wanted: set[str]) -> None:
    compared = {"scikit-learn", "imufusion", "vqf"}
    assert asked_for(EXTRAS["bench"], "3.13", machine) & compared == wanted
    assert asked_for(EXTRAS["dev"], "3.13", machine) & compared == wanted
    assert asked_for(EXTRAS["evaluate"], "3.13", machine) == {"numpy", "matplotlib", "rich"}


@pytest.mark.parametrize(
    ("machine", "wanted"), [("aarch64", True), ("armv7l", True), ("x86_64", True), ("armv6l", False)]
)
def test_what_makes_certificates_is_asked_for_only_where_it_has_wheels(machine: str, wanted: bool) -> None:
    for extra in ("pair", "dev"):
        assert ("cryptography" in asked_for(EXTRAS[extra], "3.13", machine)) == wanted


def test_the_real_lgpio_is_asked_for_and_not_the_empty_one() -> None:
    (lgpio,) = (Requirement(text) for text in EXTRAS["pi"] if text.startswith("lgpio"))
    assert "0.2.2" in lgpio.specifier
    assert "0.0.0.2" not in lgpio.specifier


def test_the_device_itself_needs_three_packages_on_every_machine() -> None:
    for machine in MACHINES:
        names = asked_for(PROJECT["dependencies"], "3.13", machine)
        assert names == {"gpiozero", "paho-mqtt", "smbus2"}


@pytest.mark.parametrize("python", [*PYTHONS, "3.10"])
def test_debian_12_and_13_have_a_python_that_serves(python: str) -> None:
    assert (python in SpecifierSet(PROJECT["requires-python"])) == (python != "3.10")


def test_everything_that_a_walk_needs_is_in_the_extras_that_make_walk_installs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "WALK_EXTRAS := recording,tui,demo\n" in makefile
    assert asked_for(["rearguard[recording,tui,demo]"], "3.11", "x86_64") == {"mcap", "rich", "amqtt"}
    assert {"recording", "tui", "demo", "motion", "dev"} <= EXTRAS.keys()


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text or f"## [{VERSION}]" in text


def test_the_commands_that_the_readme_names_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in ("walk", "test"):
        assert f"make {target}" in readme
        assert f"\n{target}:" in makefile
    assert "make test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("pattern", ["notice", "fall_possible", "cancelled", "ended", "device_caution"])
def test_the_readme_tells_the_wearer_of_sounds_that_follow_a_walk_or_an_alarm(pattern: str) -> None:
    how = PATTERNS[pattern].partition(":")[0]
    assert f"\n| {how} |" in (ROOT / "README.md").read_text()


def test_the_readme_is_for_the_wearer_first_and_tells_that_nothing_starts_at_power_on() -> None:
    text = (ROOT / "README.md").read_text()
    wearer, maker, figures = (text.index(f"\n## {title}") for title in ("A walk, w", "On a Rasp", "What is meas"))
    assert wearer < maker < figures
    assert "**At power-on nothing starts by itself yet**" in text


@pytest.mark.parametrize("name", ["guard", "sounder", "link"])
def test_systemd_never_gives_a_process_up(name: str) -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]  # keys keep their capitals
    unit.read_string((ROOT / "systemd" / f"rearguard-{name}.service").read_text())
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit["Service"]["Restart"] == "always"
    assert f" run {name} " in unit["Service"]["ExecStart"]
    assert ("notify" in unit["Service"]["Type"]) == (name == "guard")
    assert ("RestrictAddressFamilies" in unit["Service"]) == (name != "link")


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "SECURITY.md",
        *(f"docs/{name}.md" for name in ("SAFETY", "HARDWARE", "OBSTACLES", "DETECTION", "DETECTION-sway", "RECORDS")),
        *(f"docs/{name}.md" for name in ("HOME-ASSISTANT", "MQTT", "PAIRING", "ALERTS")),
    ],
)
def test_what_the_documents_point_to_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    paths = [(ROOT / name).parent / link for link in linked if link != "docs/walk.svg"]
    paths += [ROOT / path for path in re.findall(r"`((?:tests|docs|deploy|bench)/[\w./-]+)`", text)]
    assert [str(path) for path in paths if not path.exists()] == []


def test_the_safety_table_names_a_test_for_every_hazard() -> None:
    table = (ROOT / "docs" / "SAFETY.md").read_text().partition("## Hazards")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 10
    assert [row for row in rows if "`tests/" not in row] == []
