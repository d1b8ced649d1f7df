"""`python -m firmware` is `rearguard`."""

INTERRUPTED = 130  # as a shell has it: 128 and the number of SIGINT


def main() -> int:
    """`firmware.cli.main`; Ctrl-C ends quietly from the first import on."""
    try:
        from firmware.cli import main as run

        return run()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    raise SystemExit(main())
