"""Actions: voices that are cloned from clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.components.tts.const import DATA_COMPONENT
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry
from voluptuous import Invalid
from wyoming.error import Error

from custom_components.k2so import services
from custom_components.k2so.const import DOMAIN

from .conftest import add
from .fake_server import OURS, Peer, info, k2so, voice

CLIP = b"RIFF and two megabytes" + bytes(2_000_000)
SPEECH = "tts.k2_so_speech"


@pytest.fixture
def clip(home: HomeAssistant, tmp_path: Path) -> str:
    """A file among the user's media."""
    (tmp_path / "media").mkdir()
    home.config.allowlist_external_dirs = {str(tmp_path / "media")}
    (tmp_path / "media" / "anna.wav").write_bytes(CLIP)
    return str(tmp_path / "media" / "anna.wav")


async def call(home: HomeAssistant, service: str, **data: Any) -> None:
    await home.services.async_call(DOMAIN, service, data, blocking=True)


@pytest.mark.parametrize("form", ["path", "id", "selector"])
async def test_a_voice_is_added_and_can_be_chosen_at_once(
    home: HomeAssistant, ours: Peer, clip: str, form: str
) -> None:
    source = "media-source://media_source/local/anna.wav"
    audio: object = {"path": clip, "id": source, "selector": {"media_content_id": source, "metadata": {}}}[form]
    ours.script["describe"] = [info(voice("Anna", "de"), attribution=OURS)]

    await call(home, "add_voice", name="Anna", language="de", audio=audio)

    event = ours["k2so-add-voice"]
    assert (event.data, event.payload) == ({"name": "Anna", "language": "de"}, CLIP)
    entity = home.data[DATA_COMPONENT].get_entity(SPEECH)
    assert entity
    assert [each.voice_id for each in entity.async_get_supported_voices("de") or ()] == ["Anna"]


async def test_a_language_may_be_left_out(home: HomeAssistant, ours: Peer, clip: str) -> None:
    await call(home, "add_voice", name="Anna", audio=clip)
    assert ours["k2so-add-voice"].data == {"name": "Anna", "language": None}


async def test_a_voice_is_removed(home: HomeAssistant, ours: Peer) -> None:
    await call(home, "remove_voice", name="coco")
    assert ours["k2so-remove-voice"].data == {"name": "coco"}
    assert ours.received[-1].type == "k2so-describe"


@pytest.mark.parametrize(
    ("audio", "key"),
    [
        ("/etc/passwd", "clip_not_allowed"),
        ("{media}/../configuration.yaml", "clip_not_allowed"),
        ("{media}/nobody.wav", "clip_missing"),
        ("{media}", "clip_missing"),
        ("media-source://media_source/local/nobody.wav", "clip_missing"),
        ("media-source://media_source/local/../../secrets.yaml", "clip_missing"),
        ("media-source://nobody/anna.wav", "clip_missing"),
        ("media-source://tts/tts.k2_so_speech?message=Hello", "clip_no_file"),
        ("{media}/anna.wav", "clip_too_large"),
    ],
)
async def test_a_clip_that_cannot_be_had_is_refused_and_another_taken(
    home: HomeAssistant, ours: Peer, clip: str, audio: str, key: str
) -> None:
    audio = audio.format(media=Path(clip).parent)
    with patch.object(services, "MAX_CLIP_BYTES", len(CLIP) - 1), pytest.raises(ServiceValidationError) as caught:
        await call(home, "add_voice", name="Anna", audio=audio)
    assert caught.value.translation_key == key
    assert "exceptions" not in str(caught.value)
    assert not any(event.type == "k2so-add-voice" for event in ours.received)

    await call(home, "add_voice", name="Anna", audio=clip)
    assert ours["k2so-add-voice"].payload == CLIP
    await home.async_block_till_done(wait_background_tasks=True)  # what the address of speech has set going


@pytest.mark.parametrize("audio", [{}, {"media_content_id": None}, None])
async def test_a_clip_must_be_named(home: HomeAssistant, ours: Peer, audio: object) -> None:
    with pytest.raises(Invalid):
        await call(home, "add_voice", name="Anna", audio=audio)


@pytest.mark.parametrize(
    ("code", "key"), [("bad-voice", "bad_voice"), ("cannot-clone", "cannot_clone"), ("locked", "locked")]
)
async def test_a_refusal_is_passed_on(home: HomeAssistant, ours: Peer, clip: str, code: str, key: str) -> None:
    for change in ("k2so-add-voice", "k2so-remove-voice"):
        ours.script[change] = [Error("the clip is silent", code).event()]
    for service, data in (("add_voice", {"audio": clip}), ("remove_voice", {})):
        with pytest.raises(HomeAssistantError) as caught:
            await call(home, service, name="Anna", **data)
        assert caught.value.translation_key == key
        assert caught.value.translation_placeholders == {"reason": "the clip is silent"}


async def test_a_server_with_the_embedded_voice_only_says_so(
    home: HomeAssistant, entry: MockConfigEntry, clip: str
) -> None:
    with pytest.raises(HomeAssistantError, match="no engine that clones voices is loaded: xtts is off") as caught:
        await call(home, "add_voice", config_entry_id=entry.entry_id, name="Anna", audio=clip)
    assert caught.value.translation_key == "cannot_clone"


async def test_servers_of_others_have_no_such_actions(home: HomeAssistant, peer: Peer) -> None:
    await add(home, peer)
    with pytest.raises(ServiceValidationError) as caught:
        await call(home, "remove_voice", name="polly")
    assert caught.value.translation_key == "not_k2so"


async def test_the_server_must_be_named_where_there_are_two(home: HomeAssistant, ours: Peer) -> None:
    async with k2so().listen() as other:
        entry = await add(home, other)
        with pytest.raises(ServiceValidationError):
            await call(home, "remove_voice", name="coco")
        await call(home, "remove_voice", name="coco", config_entry_id=entry.entry_id)
        assert other["k2so-remove-voice"].data == {"name": "coco"}
        await home.config_entries.async_unload(entry.entry_id)
        with pytest.raises(ServiceValidationError):
            await call(home, "remove_voice", name="coco", config_entry_id=entry.entry_id)
