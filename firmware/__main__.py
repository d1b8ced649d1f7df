"""`python -m firmware` is `rearguard`."""

from firmware.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
