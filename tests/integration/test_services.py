"""Actions that add and remove cloned voices."""

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

from .config_entries import add_entry
from .fake_server import K2SO, FakeServer, fake_k2so, info, voice

CLIP = b"RIFF and two megabytes" + bytes(2_000_000)
SPEECH = "tts.k2_so_speech"


@pytest.fixture
def clip(home: HomeAssistant, tmp_path: Path) -> str:
    """The path of a file in a media folder."""
    (tmp_path / "media").mkdir()
    home.config.allowlist_external_dirs = {str(tmp_path / "media")}
    (tmp_path / "media" / "anna.wav").write_bytes(CLIP)
    return str(tmp_path / "media" / "anna.wav")


async def call(home: HomeAssistant, service: str, **data: Any) -> None:
    await home.services.async_call(DOMAIN, service, data, blocking=True)


@pytest.mark.parametrize("form", ["path", "id", "selector"])
async def test_adds_a_voice_that_can_be_selected_at_once(
    home: HomeAssistant, k2so_server: FakeServer, clip: str, form: str
) -> None:
    source = "media-source://media_source/local/anna.wav"
    audio: object = {"path": clip, "id": source, "selector": {"media_content_id": source, "metadata": {}}}[form]
    k2so_server.script["describe"] = [info(voice("Anna", "de"), attribution=K2SO)]

    await call(home, "add_voice", name="Anna", language="de", audio=audio)

    event = k2so_server["k2so-add-voice"]
    assert (event.data, event.payload) == ({"name": "Anna", "language": "de"}, CLIP)
    entity = home.data[DATA_COMPONENT].get_entity(SPEECH)
    assert entity
    assert [each.voice_id for each in entity.async_get_supported_voices("de") or ()] == ["Anna"]


async def test_the_language_is_optional(home: HomeAssistant, k2so_server: FakeServer, clip: str) -> None:
    await call(home, "add_voice", name="Anna", audio=clip)
    assert k2so_server["k2so-add-voice"].data == {"name": "Anna", "language": None}


async def test_removes_a_voice(home: HomeAssistant, k2so_server: FakeServer) -> None:
    await call(home, "remove_voice", name="coco")
    assert k2so_server["k2so-remove-voice"].data == {"name": "coco"}
    assert k2so_server.received[-1].type == "k2so-describe"


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
        ("media-source://tts/tts.k2_so_speech?message=Hello", "clip_not_local"),
        ("{media}/anna.wav", "clip_too_large"),
    ],
)
async def test_rejects_a_clip_that_it_cannot_read_and_accepts_another(
    home: HomeAssistant, k2so_server: FakeServer, clip: str, audio: str, key: str
) -> None:
    audio = audio.format(media=Path(clip).parent)
    with patch.object(services, "MAX_CLIP_BYTES", len(CLIP) - 1), pytest.raises(ServiceValidationError) as caught:
        await call(home, "add_voice", name="Anna", audio=audio)
    assert caught.value.translation_key == key
    assert "exceptions" not in str(caught.value)
    assert not any(event.type == "k2so-add-voice" for event in k2so_server.received)

    await call(home, "add_voice", name="Anna", audio=clip)
    assert k2so_server["k2so-add-voice"].payload == CLIP
    await home.async_block_till_done(wait_background_tasks=True)  # resolving the tts media source starts a reply


@pytest.mark.parametrize("audio", [{}, {"media_content_id": None}, None])
async def test_the_clip_is_required(home: HomeAssistant, k2so_server: FakeServer, audio: object) -> None:
    with pytest.raises(Invalid):
        await call(home, "add_voice", name="Anna", audio=audio)


@pytest.mark.parametrize(
    ("code", "key"),
    [("bad-voice", "bad_voice"), ("cannot-clone", "cannot_clone"), ("locked", "locked"), ("forbidden", "forbidden")],
)
async def test_passes_on_why_the_server_rejected_a_voice(
    home: HomeAssistant, k2so_server: FakeServer, clip: str, code: str, key: str
) -> None:
    for change in ("k2so-add-voice", "k2so-remove-voice"):
        k2so_server.script[change] = [Error("the clip is silent", code).event()]
    for service, data in (("add_voice", {"audio": clip}), ("remove_voice", {})):
        with pytest.raises(HomeAssistantError) as caught:
            await call(home, service, name="Anna", **data)
        assert caught.value.translation_key == key
        assert caught.value.translation_placeholders == {"reason": "The clip is silent."}


async def test_cloning_needs_xtts(home: HomeAssistant, entry: MockConfigEntry, clip: str) -> None:
    with pytest.raises(HomeAssistantError, match="xtts is off") as caught:
        await call(home, "add_voice", config_entry_id=entry.entry_id, name="Anna", audio=clip)
    assert caught.value.translation_key == "cannot_clone"


async def test_other_servers_cannot_clone_voices(home: HomeAssistant, other_server: FakeServer) -> None:
    await add_entry(home, other_server)
    with pytest.raises(ServiceValidationError) as caught:
        await call(home, "remove_voice", name="polly")
    assert caught.value.translation_key == "not_k2so"


async def test_the_server_is_required_if_there_are_several(home: HomeAssistant, k2so_server: FakeServer) -> None:
    async with fake_k2so().listen() as other:
        entry = await add_entry(home, other)
        with pytest.raises(ServiceValidationError):
            await call(home, "remove_voice", name="coco")
        await call(home, "remove_voice", name="coco", config_entry_id=entry.entry_id)
        assert other["k2so-remove-voice"].data == {"name": "coco"}
        await home.config_entries.async_unload(entry.entry_id)
        with pytest.raises(ServiceValidationError):
            await call(home, "remove_voice", name="coco", config_entry_id=entry.entry_id)
