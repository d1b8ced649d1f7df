"""What the shipped Mosquitto configuration and access rules let anybody do: every role, every topic, both ways."""

import contextlib
import os
import re
import ssl
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.home import Home, Person
from support.waiting import eventually

from firmware.errors import ConfigError
from firmware.pairing.bundle import THERAPIST
from firmware.pairing.certificates import FROM, Span

pytestmark = pytest.mark.broker

DOCUMENT = Path(__file__).parents[2] / "docs" / "MQTT.md"
OWNER, OTHER, CAREGIVER, RUTH = "rg-0000000a", "rg-0000000b", "Zoë O'Hara @home", "Dr. Ruth"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)

# Of each topic what the device of that name, another device, a caregiver and a therapist may do: w(rite) and h(ear).
# `-`: neither.
RIGHTS = """
topic                                       owner  other  caregiver  therapist
rearguard/v1/rg-0000000a/status             w      -      h          h
rearguard/v1/rg-0000000a/state/alarm        w      -      h          h
rearguard/v1/rg-0000000a/state/health       w      -      h          h
rearguard/v1/rg-0000000a/state/walk         w      -      h          h
rearguard/v1/rg-0000000a/event              w      -      h          h
rearguard/v1/rg-0000000a/telemetry          w      -      h          h
rearguard/v1/rg-0000000a/cmd/accept         h      -      wh         wh
rearguard/v1/rg-0000000a/cmd/ack            h      -      wh         wh
rearguard/v1/rg-0000000a/cmd/test           h      -      wh         wh
rearguard/v1/rg-0000000a/cmd/locate         h      -      wh         wh
rearguard/v1/rg-0000000a/cmd/settings       h      -      h          wh
rearguard/v1/rg-0000000a/state/new          -      -      -          -
rearguard/v1/rg-0000000a                    -      -      -          -
rearguard/v1/Zoë O'Hara @home/status        -      -      -          -
rearguard/v1/Zoë O'Hara @home/event         -      -      -          -
rearguard/v1/Zoë O'Hara @home/cmd/ack       -      -      -          wh
rearguard/v1/Dr. Ruth/status                -      -      -          -
rearguard/v1/Dr. Ruth/cmd/ack               -      -      wh         -
rearguard/v1/Dr. Ruth/cmd/settings          -      -      -          -
homeassistant/device/Dr. Ruth/config        -      -      -          -
rearguard/v1/rg-0000000c/event              -      -      -          -
homeassistant/device/rg-0000000a/config     w      -      h          h
homeassistant/device/Zoë O'Hara @home/config -      -      -          -
homeassistant/light/kitchen/config          -      -      -          -
homeassistant/status                        h      h      wh         wh
$SYS/broker/version                         -      -      -          -
elsewhere                                   -      -      -          -
"""
HEADER, *ROWS = (re.split(r" {2,}| (?=-)", line.strip()) for line in RIGHTS.strip().splitlines())
TABLE = {topic: dict(zip(HEADER[1:], cells, strict=True)) for topic, *cells in ROWS}
ROLES = {"owner": OWNER, "other": OTHER, "caregiver": CAREGIVER, "therapist": RUTH}
PEOPLE = ("caregiver", "therapist")
CELLS = [(role, topic) for topic in TABLE for role in ROLES]


class Everybody:
    """One home, everybody connected to it once."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.files = {"owner": home.device(OWNER), "other": home.device(OTHER), "caregiver": home.caregiver(CAREGIVER)}
        self.files["therapist"] = home.caregiver(RUTH, THERAPIST)
        self.files["second"] = home.caregiver("second")
        home.start()
        self.people = {role: self.comes(role) for role in self.files}
        self._count = 0

    def comes(self, role: str, **options: object) -> Person:
        return Person(self.home.config(self.files[role]), **options)  # type: ignore[arg-type]

    def fence(self, role: str) -> None:
        """Everything that was said to `role` before has arrived afterwards: a broker keeps the order."""
        self._count += 1
        name, word = ROLES[role], f"fence {self._count}"
        if role in PEOPLE:
            self.people["owner"].says(f"rearguard/v1/{OWNER}/event", word)
        else:
            self.people["second"].says(f"rearguard/v1/{name}/cmd/test", word)
        self.people[role].hears(word)

    def close(self) -> None:
        for person in self.people.values():
            person.close()


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with (
        contextlib.closing(Everybody(home := Home(tmp_path_factory.mktemp("home")))) as everybody,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(home.kill)
        for role in ROLES:
            asked = f"rearguard/v1/{OWNER}/event" if role in PEOPLE else f"rearguard/v1/{ROLES[role]}/cmd/test"
            everybody.people[role].asks(asked)
        yield everybody


def test_every_topic_of_the_document_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", DOCUMENT.read_text(), re.MULTILINE)
    named: set[str] = set()
    for row in rows:
        whole, *ends = re.findall(r"`([^`]+)`", row)
        folder = whole.rpartition("/")[0]
        named |= {whole, *(f"{folder}/{end.rpartition('/')[2]}" for end in ends)}
    topics = {topic.replace("<id>", OWNER) for topic in named if "/" in topic}
    assert len(topics) >= 11
    assert topics <= TABLE.keys()


@pytest.mark.parametrize(("role", "topic"), CELLS)
def test_who_may_say_what(everybody: Everybody, role: str, topic: str) -> None:
    allowed = "w" in TABLE[topic][role]
    answer = everybody.people[role].says(topic, f"{role} says it")
    assert answer in (("Success", "No matching subscribers") if allowed else ("Not authorized",))


@pytest.mark.parametrize("role", ROLES)
def test_who_hears_what(everybody: Everybody, role: str) -> None:
    """Mosquitto grants every subscription; what counts is what arrives."""
    person = everybody.people[role]
    for topic in TABLE:
        person.asks(topic)
    person.heard.clear()
    for topic, cells in TABLE.items():
        writer = next((one for one in ROLES if "w" in cells[one]), None)
        if writer is not None:
            everybody.people["second" if writer == "caregiver" else writer].says(topic, "for who may hear it")
    everybody.fence(role)
    heard = {topic for topic, payload in person.heard if payload == "for who may hear it"}
    assert heard == {topic for topic, cells in TABLE.items() if "h" in cells[role]}


@pytest.mark.parametrize("wide", ["#", "+/#", "rearguard/#", "rearguard/v1/+/event", "rearguard/v1/+/cmd/+", "$SYS/#"])
@pytest.mark.parametrize("role", ["owner", "other"])
def test_a_device_that_asks_for_everything_hears_only_what_is_for_it(
    everybody: Everybody, role: str, wide: str
) -> None:
    person = everybody.people[role]
    person.asks(wide)
    person.heard.clear()
    for name in (OWNER, OTHER):
        everybody.people["second"].says(f"rearguard/v1/{name}/cmd/ack", "an answer")
    for one, name in (("owner", OWNER), ("other", OTHER)):
        everybody.people[one].says(f"rearguard/v1/{name}/event", "private")
    everybody.fence(role)
    person.forgets(wide)
    own = f"rearguard/v1/{ROLES[role]}/cmd/"
    assert [topic for topic, _ in person.heard if not topic.startswith((own, "homeassistant/status"))] == []


def test_a_caregiver_does_not_hear_how_the_broker_is(everybody: Everybody) -> None:
    person = everybody.people["caregiver"]
    for wide in ("$SYS/#", "#", "$share/group/$SYS/#"):
        person.asks(wide)
    everybody.fence("caregiver")
    assert [topic for topic, _ in person.heard if topic.startswith("$")] == []


def test_a_retained_word_in_another_devices_name_is_kept_for_nobody(everybody: Everybody) -> None:
    topic = f"rearguard/v1/{OWNER}/state/alarm"
    assert everybody.people["owner"].says(topic, '{"active":true}', retain=True) in (
        "Success",
        "No matching subscribers",
    )
    for spoof in ('{"active":false}', ""):  # an empty one would take the alarm back
        assert everybody.people["other"].says(topic, spoof, retain=True) == "Not authorized"
        assert everybody.people["second"].says(topic, spoof, retain=True) == "Not authorized"
    late = everybody.comes("second")
    late.asks(topic)
    late.hears('{"active":true}')
    late.close()
    everybody.people["second"] = everybody.comes("second")
    assert [payload for name, payload in late.heard if name == topic] == ['{"active":true}']


@pytest.mark.parametrize(
    "topic", [f"rearguard/v1/{OWNER}/status", f"rearguard/v1/{OWNER}/cmd/ack", "homeassistant/status"]
)
def test_a_last_will_in_another_devices_name_is_said_by_nobody(tmp_path: Path, topic: str) -> None:
    with Home(tmp_path) as home:
        ann = Person(home.config(home.caregiver("ann")))
        home.reload()
        for wide in ("rearguard/v1/#", "homeassistant/#"):
            ann.asks(wide)
        hostile = Person(home.config(home.device(OTHER)), will=topic)
        if hostile.let_in:
            hostile.vanishes()
        honest = Person(home.config(home.device(OWNER)), will=f"rearguard/v1/{OWNER}/status")
        honest.vanishes()
        ann.hears("a will")
        ann.close()
        assert [name for name, _ in ann.heard] == [f"rearguard/v1/{OWNER}/status"]


def test_nobody_is_thrown_out_by_another_who_takes_the_name(everybody: Everybody) -> None:
    """The broker takes the name from the certificate, whatever a client calls itself."""
    impostor = everybody.comes("other", client_id=OWNER)
    assert impostor.let_in
    assert everybody.people["owner"].says(f"rearguard/v1/{OWNER}/event", "still here") != "the connection ended"
    assert everybody.people["other"].ended.is_set()  # it was its own certificate's other client that went
    impostor.close()
    everybody.people["other"] = everybody.comes("other")
    everybody.people["other"].asks(f"rearguard/v1/{OTHER}/cmd/test")


def test_who_says_too_much_at_once_is_sent_away_and_nobody_else(everybody: Everybody) -> None:
    large = everybody.comes("second")
    assert large.says(f"rearguard/v1/{OWNER}/cmd/ack", "x" * 16_000) in ("Success", "No matching subscribers")
    assert large.says(f"rearguard/v1/{OWNER}/cmd/ack", "x" * 20_000) == "the connection ended"
    assert everybody.people["owner"].says(f"rearguard/v1/{OWNER}/event", "well") != "the connection ended"
    everybody.people["second"] = everybody.comes("second")


# Who is not let in at all: then every cell of the table is a `-`.

PAST, FUTURE = Span(FROM, NOW - DAY), Span(NOW + DAY, NOW + 2 * DAY)
STRANGERS: dict[str, Callable[[Home, Path], Path | None]] = {
    "nobody: no certificate": lambda home, _: None,
    "of another home": lambda home, folder: home.forged(OWNER, Span(FROM, NOW + DAY), of=Home(folder / "next door")),
    "expired": lambda home, _: home.forged(OWNER, PAST),
    "not yet valid": lambda home, _: home.forged(OWNER, FUTURE),
    "revoked": lambda home, _: _revoked(home),
    "the broker's own kind": lambda home, _: home.forged(OWNER, Span(FROM, NOW + DAY), hosts=("localhost",)),
}


def _revoked(home: Home) -> Path:
    files = home.device(OWNER)
    home.authority.revoke(OWNER)
    return files


@pytest.mark.parametrize("stranger", STRANGERS)
def test_who_is_not_of_this_home_is_not_let_in(tmp_path: Path, stranger: str) -> None:
    (tmp_path / "next door").mkdir()
    home = Home(tmp_path)
    files = STRANGERS[stranger](home, tmp_path)
    with home:
        assert not Person(home.config(files)).let_in
        friend = Person(home.config(home.device(OTHER)))  # it was not the broker
        assert friend.let_in
        friend.close()


def test_no_version_of_tls_before_1_3_is_spoken(everybody: Everybody) -> None:
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        everybody.comes("second", newest=ssl.TLSVersion.TLSv1_2)


# What changes while the broker runs


def test_who_is_revoked_is_heard_no_more_at_once_and_not_let_in_again(tmp_path: Path) -> None:
    with Home(tmp_path) as home:
        files, ann = home.device(OWNER), Person(home.config(home.caregiver("ann")))
        home.reload()
        ann.asks("rearguard/v1/#")
        lost = Person(home.config(files))
        lost.asks(f"rearguard/v1/{OWNER}/cmd/#")
        assert lost.says(f"rearguard/v1/{OWNER}/event", "mine") == "Success"
        home.authority.revoke(OWNER)
        home.reload()
        assert lost.says(f"rearguard/v1/{OWNER}/event", "the thief's") == "Not authorized"
        ann.says(f"rearguard/v1/{OWNER}/cmd/locate", "where are you")
        assert not Person(home.config(files)).let_in
        assert lost.heard == []
        assert [payload for _, payload in ann.heard if "thief" in payload] == []
        ann.close()
        lost.close()


def test_a_caregiver_who_is_revoked_loses_her_rights_and_others_keep_theirs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    files = {name: home.caregiver(name) for name in ("ann", "bob")}
    with home:
        ann, bob = (Person(home.config(files[name])) for name in ("ann", "bob"))
        home.authority.revoke("ann")
        home.reload()
        assert ann.says(f"rearguard/v1/{OWNER}/cmd/ack", "x") == "Not authorized"
        assert bob.says(f"rearguard/v1/{OWNER}/cmd/ack", "x") == "No matching subscribers"
        for person in (ann, bob):
            person.close()


def test_a_renewed_certificate_of_the_broker_is_taken_without_a_restart(tmp_path: Path) -> None:
    with Home(tmp_path, hosts=("localhost",)) as home:
        stays = Person(home.config(home.device(OWNER)))
        files = home.device(OTHER)
        with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
            Person(home.config(files, host="127.0.0.1"))
        home.authority.renew_broker(("localhost", "127.0.0.1"))
        home.reload()
        found = Person(home.config(files, host="127.0.0.1"))
        assert (found.let_in, stays.let_in) == (True, True)
        for person in (found, stays):
            person.close()


def test_a_device_that_was_revoked_and_signed_again_has_its_rights_back(tmp_path: Path) -> None:
    with Home(tmp_path) as home:
        home.device(OWNER)
        home.authority.revoke(OWNER)
        files = home.device(OWNER)
        home.reload()
        back = Person(home.config(files))
        assert back.says(f"rearguard/v1/{OWNER}/event", "x") == "No matching subscribers"
        back.close()


def test_every_certificate_of_a_revoked_name_is_revoked(tmp_path: Path) -> None:
    """One that was renewed has two, and a thief may have the old one."""
    home = Home(tmp_path)
    first = home.caregiver("ann")
    old = home.keep("old", (first / "certificate.pem").read_text(), (first / "key.pem").read_text())
    home.authority.renew("ann")
    new = home.keep("new", (first / "certificate.pem").read_text(), (first / "key.pem").read_text())
    assert (old / "certificate.pem").read_text() != (new / "certificate.pem").read_text()
    with home:
        for files in (old, new):
            person = Person(home.config(files))
            assert person.let_in
            person.close()
        home.authority.revoke("ann")
        home.reload()
        assert [Person(home.config(files)).let_in for files in (old, new)] == [False, False]


@pytest.mark.parametrize(
    "name",
    [
        "rg-0000000a", "RG-x", "$SYS", "ann+", "ann#", "#", "a/b", "../ann", ".ann",
        " ann", "ann ", "", "a\nb", "a\nuser b",
        "a\0b", "%u", "%c", "broker", "Anonymous", "x" * 65, "ö" * 33, "ﬁne", "a\u202eb", "-ann", "ann\u200b",
    ],
)  # fmt: skip
def test_a_caregivers_name_means_nothing_but_herself(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path)
    rules = (tmp_path / "authority" / "broker" / "acl").read_text()
    with pytest.raises(ConfigError):
        home.caregiver(name)
    assert (tmp_path / "authority" / "broker" / "acl").read_text() == rules
    assert not list((tmp_path / "authority" / "issued").iterdir())


def test_what_was_taken_is_on_the_disk_and_who_was_away_finds_every_event(tmp_path: Path) -> None:
    """The shipped settings are set at all: their measure is `python -m bench.alerts`."""
    with Home(tmp_path) as home:
        text = (tmp_path / "conf.d" / "rearguard.conf").read_text()
        for line in (
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_queued_messages 10000",
            "persistence true",
            "max_connections 100",
            "max_inflight_messages 100",
            "persistent_client_expiration 1m",
            "set_tcp_nodelay true",
        ):
            assert f"\n{line}\n" in text
        owner = Person(home.config(home.device(OWNER)))
        owner.says(f"rearguard/v1/{OWNER}/state/alarm", '{"active":true}', retain=True)
        kept = tmp_path / "kept" / "mosquitto.db"
        eventually(lambda: kept.exists() and b'{"active":true}' in kept.read_bytes(), 5.0, "it is on the disk")
        home.kill()
        home.start()
        ann = home.caregiver("ann")
        home.reload()
        late = Person(home.config(ann))
        late.asks("rearguard/v1/#")
        late.hears('{"active":true}')
        late.close()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_no_key_can_be_read_by_others(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        home = Home(tmp_path)
    finally:
        os.umask(before)
    home.device(OWNER)
    home.caregiver("ann")
    found = [path for path in (tmp_path / "authority").rglob("*") if "PRIVATE KEY" in _text(path)]
    assert {path.name for path in found} == {"ca-key.pem", "broker.pem", "key.pem"}
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o640 if path.name == "broker.pem" else 0o600), path


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
