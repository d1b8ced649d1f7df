from typing import Any

import pytest

from firmware.link.config import MqttConfig


def test_an_empty_host_is_a_device_without_a_broker() -> None:
    assert MqttConfig(host="").host == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"host": "a b"}, "host"),
        ({"host": "a\x00"}, "host"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"port": True}, "port"),
        ({"port": 1883.0}, "port"),
        ({"keepalive_s": 1}, "keepalive_s"),
        ({"keepalive_s": 61}, "keepalive_s"),
        ({"protocol": "4"}, "auto, 5, 3.1.1"),
        ({"protocol": 5}, "auto, 5, 3.1.1"),
        ({"password_file": "secret"}, "username is empty"),
        ({"cert_file": "a", "ca_file": "c"}, "belong together"),
        ({"key_file": "a", "ca_file": "c"}, "belong together"),
        ({"cert_file": "a", "key_file": "b"}, "needs ca_file"),
    ],
)
def test_a_setting_that_cannot_work_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MqttConfig(**settings)
