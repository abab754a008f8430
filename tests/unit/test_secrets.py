"""Secrets at rest can be opened with the key and in their own place only."""

from __future__ import annotations

import base64

import pytest
from cryptography.exceptions import InvalidTag

from shared.secrets import BadSecretsKey, SecretBox

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize("text", ["whsec_abc", "", "Ölkännchen 🥚", "x" * 10_000])
def test_a_sealed_text_can_be_opened_by_another_process_with_the_same_key(text: str) -> None:
    assert SecretBox(KEY).open(SecretBox(KEY).seal(text, "acc_1"), "acc_1") == text


def test_the_text_is_not_in_what_is_stored() -> None:
    sealed = SecretBox(KEY).seal("whsec_abcdef", "acc_1")

    assert b"abcdef" not in sealed


def test_sealing_twice_gives_different_bytes() -> None:
    box = SecretBox(KEY)

    assert box.seal("whsec_abc", "acc_1") != box.seal("whsec_abc", "acc_1")


def test_a_secret_moved_to_another_account_cannot_be_opened() -> None:
    box = SecretBox(KEY)

    with pytest.raises(InvalidTag):
        box.open(box.seal("whsec_abc", "acc_1"), "acc_2")


def test_another_key_opens_nothing() -> None:
    with pytest.raises(InvalidTag):
        SecretBox(OTHER_KEY).open(SecretBox(KEY).seal("whsec_abc", "acc_1"), "acc_1")


@pytest.mark.parametrize("position", [0, 12, -1])
def test_a_changed_byte_is_noticed(position: int) -> None:
    sealed = bytearray(SecretBox(KEY).seal("whsec_abc", "acc_1"))
    sealed[position] ^= 1

    with pytest.raises(InvalidTag):
        SecretBox(KEY).open(bytes(sealed), "acc_1")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "not base64!",
        "ключ",
        base64.b64encode(bytes(31)).decode(),
        base64.b64encode(bytes(33)).decode(),
    ],
)
def test_a_wrong_key_is_refused_with_the_command_that_makes_a_right_one(key: str) -> None:
    with pytest.raises(BadSecretsKey, match="HATCHERY_SECRETS_KEY must be 32 bytes in base64: `openssl rand"):
        SecretBox(key)
