"""The options of `rearguard authority` and `rearguard pair`."""

import argparse
from collections.abc import Callable
from pathlib import Path

Command = Callable[[str, str, str], argparse.ArgumentParser]
"""Makes a command of a name, what it does, and its examples."""

_AUTHORITY_EXAMPLES = """examples:
  sudo rearguard authority init --host hub.local --host 192.168.1.20   once, where the broker runs
  sudo rearguard authority caregiver ann                               her certificate and key, to be taken to her
  sudo rearguard authority therapist ruth                              the same, and she may set the plan from afar
  sudo rearguard authority sign request.pem                            let the device in that made it
  sudo rearguard authority revoke rg-0a1b2c3d                          let it in no more
"""
_PAIR_EXAMPLES = """examples:
  sudo rearguard pair --authority            all at once, where the broker runs on the device itself
  sudo rearguard pair --request request.pem  otherwise: take it to the broker, have it signed there,
  sudo rearguard pair --install bundle.pem   and take back what that makes
"""
AUTHORITY = Path("/etc/rearguard/authority")  # as deploy/mosquitto/rearguard.conf has it


def add_authority(command: Command, parser_class: type[argparse.ArgumentParser]) -> None:
    what = "decide who may speak with this home's broker: its own certificates"
    authority = command("authority", what, _AUTHORITY_EXAMPLES)
    tasks = authority.add_subparsers(dest="what", metavar="WHAT", required=True, parser_class=parser_class)
    init = tasks.add_parser("init", help="make the authority and the broker's certificate; never over another")
    sign = tasks.add_parser("sign", help="let a device in: a bundle for its request")
    caregiver = tasks.add_parser("caregiver", help="let a caregiver in: a certificate and its key")
    therapist = tasks.add_parser("therapist", help="let a therapist in: a caregiver who may also set plan and cues")
    revoke = tasks.add_parser("revoke", help="let a device or a person in no more")
    renew = tasks.add_parser("renew", help="a new certificate for the broker, or for a device or person")
    listed = tasks.add_parser("list", help="who is let in, and until when")
    for one in (init, sign, caregiver, therapist, revoke, renew, listed):
        one.add_argument(
            "--authority", metavar="FOLDER", type=Path, default=AUTHORITY, help=f"where it is ({AUTHORITY})"
        )
    for one in (init, renew):
        told = "a name or address of the broker; may be repeated, devices use the first"
        one.add_argument("--host", metavar="HOST", action="append", default=[], required=one is init, help=told)
    init.add_argument("--port", metavar="N", type=int, default=8883, help="the broker's (8883)")
    sign.add_argument("request", metavar="REQUEST", type=Path, help="what `rearguard pair --request` made")
    sign.add_argument(
        "--out", metavar="FILE", type=Path, help="where the bundle goes; it is kept by the authority as well"
    )
    for one in (caregiver, therapist, revoke):
        one.add_argument("name", metavar="NAME", help="of the person, or of the device" if one is revoke else "hers")
    renew.add_argument("name", metavar="NAME", nargs="?", help="of a device or person; without it the broker")


def add_pair(command: Command) -> argparse.ArgumentParser:
    pair = command("pair", "make this device known to its home's broker", _PAIR_EXAMPLES)
    way = pair.add_mutually_exclusive_group(required=True)
    way.add_argument("--request", metavar="FILE", type=Path, help="write what the authority is to sign")
    way.add_argument("--install", metavar="BUNDLE", type=Path, help="keep what the authority has signed")
    way.add_argument(
        "--authority",
        metavar="FOLDER",
        type=Path,
        nargs="?",
        const=AUTHORITY,
        help=f"both, on one machine ({AUTHORITY})",
    )
    return pair
