"""`rearguard authority`: who may speak with this home's broker; run where the broker runs."""

import argparse
import sys
import time
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from firmware.errors import ConfigError, MissingExtra, RearguardError, how_to_add
from firmware.known_day import installed_s
from firmware.pairing.bundle import MOST_BYTES, THERAPIST
from firmware.pairing.files import BROKER_GROUP, exists, write
from firmware.plain_file import read_bytes

if TYPE_CHECKING:
    from firmware.pairing.authority import Authority

OK = 0
WARN = timedelta(days=30)
RELOAD = "then let the broker read it: sudo systemctl reload mosquitto"


def authority(args: argparse.Namespace) -> int:
    """0 when it was done."""
    check_library()
    try:
        people = {"caregiver": _person, THERAPIST: _person}
        return {"init": _init, "sign": _sign, **people, "revoke": _revoke, "renew": _renew}.get(args.what, _list)(args)
    except OSError as error:
        advice = "; run it with sudo" if isinstance(error, PermissionError) else ""
        raise RearguardError(f"{error.filename or args.authority}: {error.strerror or error}{advice}") from error


def check_library() -> None:
    """Raises MissingExtra where certificates cannot be made."""
    if find_spec("cryptography") is None:
        raise MissingExtra(f"certificates need the package cryptography; {how_to_add('pair')}")


def today() -> datetime:
    """Now, by a clock that can be believed: a certificate that ended years ago would help nobody.

    Raises:
        ConfigError: the clock is behind the time at which this software was installed.
    """
    now_s = time.time()
    if now_s < installed_s():
        found, least = (f"{datetime.fromtimestamp(t_s, UTC):%Y-%m-%d %H:%M}" for t_s in (now_s, installed_s()))
        raise ConfigError(
            f"clock: {found} UTC, which is before this software was installed ({least}); connect to the network, or "
            "set it: sudo date -u -s 'YYYY-MM-DD HH:MM'"
        )
    return datetime.fromtimestamp(now_s, UTC)


def opened(folder: Path) -> "Authority":
    """The authority in a folder. Raises ConfigError when there is none, OSError when it cannot be read."""
    from firmware.pairing.authority import Authority

    return Authority(folder, today())


def _init(args: argparse.Namespace) -> int:
    from firmware.pairing.authority import Authority

    made = Authority.init(args.authority, args.host, args.port, today())
    print(f"made: the authority of {', '.join(made.hosts)}, in {args.authority}")
    print("its ca-key.pem lets anybody in: keep one copy of the folder where nobody else comes, and give it to nobody")
    if not exists(BROKER_GROUP):
        print(f"once Mosquitto is installed: sudo chgrp -R {BROKER_GROUP} {args.authority / 'broker'}")
    print(f"next: deploy/mosquitto/rearguard.conf into /etc/mosquitto/conf.d, with {args.authority} in its paths")
    return OK


def _sign(args: argparse.Namespace) -> int:
    home = opened(args.authority)
    issued = home.sign(read_bytes(args.request, MOST_BYTES), str(args.request))
    path = home.bundle_path(issued.name)
    if args.out is not None:
        write(args.out, issued.text())
        path = args.out
    print(f"signed: {issued.name}; its bundle, without any secret, is {path}")
    print(f"next, on the device: sudo rearguard pair --install {path.name}; {RELOAD}")
    return OK


def _person(args: argparse.Namespace) -> int:
    folder = opened(args.authority).caregiver(args.name, THERAPIST if args.what == THERAPIST else "")
    print(f"made: {folder}/ with ca.pem, certificate.pem and key.pem, to be taken to where {args.name} watches")
    print(f"for one program alone: two of one name throw each other out; {RELOAD}")
    return OK


def _revoke(args: argparse.Namespace) -> int:
    for path in opened(args.authority).revoke(args.name):
        whose = "; whose certificate it was is not known, and it is not revoked" if path.parent.name == "signed" else ""
        print(f"{path}: is damaged{whose}; restore it from your copy of the folder", file=sys.stderr)
    print(f"revoked: {args.name} is let in no more, and hears and says nothing if still connected; {RELOAD}")
    return OK


def _renew(args: argparse.Namespace) -> int:
    home = opened(args.authority)
    if args.name is None:
        home.renew_broker(args.host)
        print(f"renewed: the broker's certificate, for {', '.join(home.hosts)}; {RELOAD}")
        return OK
    if args.host:
        raise ConfigError("--host is for the broker's own certificate: leave the name out")
    print(f"renewed: {home.renew(args.name).name}; its new bundle is {home.bundle_path(args.name)}")
    print("next, on a device: sudo rearguard pair --install FILE; of a caregiver: take certificate.pem again")
    return OK


def _list(args: argparse.Namespace) -> int:
    now = datetime.fromtimestamp(time.time(), UTC)
    for entry in opened(args.authority).entries():
        if entry.role == "damaged":
            print(f"{entry.role:<10} {entry.name}  its file cannot be read: restore it, or revoke this name")
            continue
        soon = "" if entry.role == "revoked" or entry.until - now > WARN else "  ends soon: renew it"
        print(f"{entry.role:<10} {entry.name}  until {entry.until:%Y-%m-%d}{soon}")
    sys.stdout.flush()
    return OK
