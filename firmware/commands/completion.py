"""`rearguard completion bash`: a completion script, made from the parser, so that it knows every option."""

import argparse

from firmware.cli import parser
from hal.sim.faults import MAY_FAIL, WORDS

_SCRIPT = """# bash completion of rearguard; load it with: source <(rearguard completion bash)
_rearguard() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}
    COMPREPLY=()
    case $before in
{values}
    esac
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    case $command in
{options}
    esac
    if [[ $word != -* ]]; then
        COMPREPLY+=($(compgen -f -- "$word"))
    fi
}}
complete -o filenames -F _rearguard rearguard
"""


def completion(args: argparse.Namespace) -> int:
    """Print the script."""
    print(_bash(), end="")
    return 0


def _bash() -> str:
    top = parser()
    commands = _subcommands(top)
    options = [
        f'    {name}) COMPREPLY=($(compgen -W "{" ".join(_words(command))}" -- "$word")) ;;'
        for name, command in commands.items()
    ]
    words = [*commands, *_words(top)]
    return _SCRIPT.format(values="\n".join(_values()), commands=" ".join(words), options="\n".join(options))


def _values() -> list[str]:
    from hal.sim.world.scenarios import SCENARIOS

    faults = [f"{word}:{part}" for word in WORDS for part in MAY_FAIL]
    return [
        f'    --{option}) COMPREPLY=($(compgen -W "{" ".join(values)}" -- "$word")); return ;;'
        for option, values in (("scenario", sorted(SCENARIOS)), ("fault", faults))
    ]


def _subcommands(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in top._actions if isinstance(a, argparse._SubParsersAction))  # argparse offers no other way
    return dict(action.choices)


def _words(command: argparse.ArgumentParser) -> list[str]:
    words: list[str] = []
    for action in command._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        words += action.option_strings or action.choices or []
    return words
