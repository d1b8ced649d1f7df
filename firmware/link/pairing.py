"""What `rearguard pair` has left for the link: where the broker is, and the certificate to be let in with."""

from dataclasses import replace
from pathlib import Path

from firmware.errors import ConfigError
from firmware.link.config import MqttConfig
from firmware.pairing import bundle

DEFAULT = MqttConfig()


def paired(config: MqttConfig, state_dir: Path) -> MqttConfig:
    """The configuration with what the pairing in `state_dir` knows in place of each setting left at its default.

    Certificates of the configuration's own (`ca_file`) leave the pairing out altogether, and so does an empty host.

    Raises:
        ConfigError: there is a pairing, and it is damaged or cannot be read.
    """
    path = state_dir / bundle.FILE
    if not config.host or config.ca_file:
        return config
    try:
        found = bundle.load(path)
    except (FileNotFoundError, NotADirectoryError):
        return config
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; run it with sudo") from error
    host = found.host if config.host == DEFAULT.host else config.host
    port = found.port if config.port == DEFAULT.port else config.port
    key = str(state_dir / bundle.KEY_FILE)
    return replace(config, host=host, port=port, ca_file=str(path), cert_file=str(path), key_file=key)
