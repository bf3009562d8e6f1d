"""One request to speak: resolves its voice, collects its text, or holds the error that rejects it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wyoming.error import Error

from wyoming_k2so.reply.pipeline import Reply
from wyoming_k2so.reply.speed_model import SpeedModel
from wyoming_k2so.voices.catalog import UnknownVoice

from .context import ServerContext
from .requests import BadRequest, parse_speech, parse_text

MAX_TEXT_CHARS = 100_000


class SpeechJob:
    """A `synthesize` or `synthesize-start` request."""

    def __init__(self, context: ServerContext, data: Mapping[str, Any], *, engine: str | None, streaming: bool) -> None:
        """Parse the request and choose who speaks.

        Args:
            context: the voices and settings.
            data: the event's data.
            engine: name of the only engine that may speak; None allows all.
            streaming: whether it was a `synthesize-start`, which ends with `synthesize-stopped`.
        """
        self.streaming = streaming
        self.reply: Reply | None = None
        self.error: Error | None = None
        self._chars = 0
        self._held: list[str | None] | None = None
        self._text_held = asyncio.Event()
        try:
            self.reply = _reply(context, data, engine)
        except BadRequest as error:
            self.reject(str(error), "bad-request")
        except UnknownVoice as error:
            self.reject(str(error), "unknown-voice")

    def reject(self, message: str, code: str) -> None:
        """End the job with an error. Only the first one counts."""
        self.error = self.error or Error(message, code)
        if self.reply is not None:
            self.reply.cancel()

    def feed(self, data: Mapping[str, Any]) -> None:
        """Add the text of an event."""
        try:
            text = parse_text(data)
            self._chars += len(text)
            if self._chars > MAX_TEXT_CHARS:
                raise BadRequest(f"the text of a reply must be at most {MAX_TEXT_CHARS} characters")
        except BadRequest as error:
            self.reject(str(error), "bad-request")
            return
        if text:
            self._put(text)

    def finish(self) -> None:
        """Mark the end of the text."""
        self._put(None)

    async def pause(self) -> None:
        """Hold text back from the reply until `resume`. Returns when some has arrived."""
        self._held = []
        self._text_held.clear()
        await self._text_held.wait()

    def resume(self) -> None:
        """Give the reply the text that was held back, and stop holding it back."""
        held, self._held = self._held or [], None
        for text in held:
            self._put(text)

    def _put(self, text: str | None) -> None:
        if self._held is not None:
            self._held.append(text)
            self._text_held.set()
        elif self.reply is not None and text is None:
            self.reply.finish()
        elif self.reply is not None and text is not None:
            self.reply.feed(text)


def _reply(context: ServerContext, data: Mapping[str, Any], engine: str | None) -> Reply:
    request = parse_speech(data)
    choice = context.catalog.resolve(
        voice=request.voice,
        speaker=request.speaker,
        language=request.language,
        speed=request.speed,
        engine=engine,
    )
    if choice.asleep is not None:
        choice.asleep.wake()
    return Reply(
        choice,
        context.catalog.fallback(choice),
        stream=replace(context.live_settings.config.stream, **request.stream),
        text_format=request.text_format,
        speed_model=context.speed_models.setdefault(choice.engine, SpeedModel()),
        current=context.catalog.current,
        watchdog=context.watchdog,
    )
