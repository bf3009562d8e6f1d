"""A reply that was asked for: the request understood, its text handed on, or the reason why there will be none."""

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
    """What a client asked for by `synthesize` or `synthesize-start`."""

    def __init__(self, context: ServerContext, data: Mapping[str, Any], *, engine: str | None, streaming: bool) -> None:
        """Choose who speaks.

        Args:
            context: the voices and settings.
            data: of the event.
            engine: name of the only engine that may speak; None: any.
            streaming: asked for by `synthesize-start`, so that it ends with `synthesize-stopped`.
        """
        self.streaming = streaming
        self.reply: Reply | None = None
        self.refusal: Error | None = None
        self._chars = 0
        self._withheld: list[str | None] | None = None
        self._came = asyncio.Event()
        try:
            self.reply = _reply(context, data, engine)
        except BadRequest as error:
            self.refuse(str(error), "bad-request")
        except UnknownVoice as error:
            self.refuse(str(error), "unknown-voice")

    def refuse(self, message: str, code: str) -> None:
        """End the job with an error; the first reason counts."""
        self.refusal = self.refusal or Error(message, code)
        if self.reply is not None:
            self.reply.cancel()

    def feed(self, data: Mapping[str, Any]) -> None:
        """Add the text of an event."""
        try:
            text = parse_text(data)
            self._chars += len(text)
            if self._chars > MAX_TEXT_CHARS:
                raise BadRequest(f"a reply may have at most {MAX_TEXT_CHARS} characters")
        except BadRequest as error:
            self.refuse(str(error), "bad-request")
            return
        if text:
            self._put(text)

    def finish(self) -> None:
        """No more text will come."""
        self._put(None)

    async def pause(self) -> None:
        """Withhold text from the reply until `go_on`; returns when there is some."""
        self._withheld = []
        self._came.clear()
        await self._came.wait()

    def go_on(self) -> None:
        """Hand on what was withheld, and from now on what comes."""
        withheld, self._withheld = self._withheld or [], None
        for text in withheld:
            self._put(text)

    def _put(self, text: str | None) -> None:
        if self._withheld is not None:
            self._withheld.append(text)
            self._came.set()
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
