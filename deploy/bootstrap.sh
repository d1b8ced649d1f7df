#!/bin/sh
# Prepares a machine that has only python3, make and git (Debian 12, 13 or Raspberry Pi OS). Called by the Makefile:
#   bootstrap.sh python EXTRAS   makes .venv and installs rearguard with these extras into it
#   bootstrap.sh broker          installs the MQTT broker that the tests talk to
#   bootstrap.sh compiler        installs the C compiler that the virtual Pi of tests and benches is made with
#   bootstrap.sh voice           installs espeak-ng, which the tests make spoken prompts with; without it they are skipped
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # Debian keeps mosquitto there, outside a user's PATH

fail() {
    echo "rearguard: $*" >&2
    exit 1
}

# install_packages WHY PACKAGE...
install_packages() {
    why=$1
    shift
    command -v apt-get >/dev/null || fail "$why; install what your system calls: $*"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "$why; as root run: apt-get install $*"
        as_root=sudo
        echo "rearguard: $why: asking for sudo to run apt-get install $*" >&2
    else
        echo "rearguard: $why: installing $*" >&2
    fi
    $as_root apt-get update -qq || echo "rearguard: apt-get update failed; trying with the lists at hand" >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null ||
        fail "apt-get could not install $*; install it by hand and run make again"
}

suits() { # a Python of a supported version
    "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null
}

makes_environments() {
    suits "$1" && "$1" -c 'import venv, ensurepip' 2>/dev/null
}

find_python() { # the newest one that can make an environment
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if makes_environments "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

prepare_python() {
    extras=$1
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then # none yet, or its Python is gone
        if [ -z "$(find_python)" ]; then
            suits python3 || fail "python3 is $(python3 -V 2>&1 || true), expected Python 3.11 or newer; use Debian 12 or newer"
            install_packages "python3 cannot make an environment without python3-venv" python3-venv
        fi
        python=$(find_python)
        [ -n "$python" ] || fail "python3-venv did not help; run: python3 -c 'import venv, ensurepip'"
        echo "rearguard: making .venv with $("$python" -V)" >&2
        "$python" -m venv --clear .venv
    fi
    echo "rearguard: installing rearguard[$extras] into .venv" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]" ||
        fail "pip could not install rearguard[$extras]; is this machine online?"
}

prepare_broker() {
    if ! command -v mosquitto >/dev/null || ! command -v mosquitto_sub >/dev/null; then
        install_packages "the tests talk to a real MQTT broker" mosquitto mosquitto-clients
    fi
}

compiles() { # with the kernel's headers
    printf '#include <stdio.h>\n#include <linux/gpio.h>\n' | gcc -fsyntax-only -x c - 2>/dev/null
}

prepare_compiler() {
    compiles || install_packages "the virtual Pi is made with a C compiler" gcc libc6-dev
}

prepare_voice() { # the walk needs no voice, so neither does a machine that cannot get one
    espeak-ng --version >/dev/null 2>&1 || (install_packages "the tests make spoken prompts" espeak-ng) ||
        echo "rearguard: without espeak-ng the tests of the real voice are skipped" >&2
}

case "${1:-}" in
python) prepare_python "${2:?which extras?}" ;;
broker) prepare_broker ;;
compiler) prepare_compiler ;;
voice) prepare_voice ;;
*) fail "bootstrap.sh knows: python EXTRAS, broker, compiler, voice" ;;
esac
