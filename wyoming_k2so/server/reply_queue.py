"""The replies of one client, spoken one after another in the order of their requests."""

from __future__ import annotations

import asyncio
import logging

from wyoming.audio import AudioStop
from wyoming.tts import SynthesizeStopped

from wyoming_k2so.reply.pipeline import Reply

from .admission import Busy, Slot
from .client_writer import ClientWriter
from .context import ServerContext
from .framing import FrameError
from .reply_sender import send_reply
from .speech_job import SpeechJob

_LOGGER = logging.getLogger(__name__)

MAX_WAITING = 8

RELEASE_AFTER_S = 5.0
"""A reply whose text pauses for this long releases its slot until more text comes."""


class ReplyQueue:
    """The job that is being spoken, and those that wait."""

    def __init__(self, context: ServerContext, client: ClientWriter) -> None:
        self._context = context
        self._client = client
        self._jobs: asyncio.Queue[SpeechJob | None] = asyncio.Queue()
        self._current: SpeechJob | None = None

    @property
    def busy(self) -> bool:
        """Whether a job is being spoken or waits."""
        return self._current is not None or not self._jobs.empty()

    def require_room(self) -> None:
        """Raise FrameError if too many jobs wait."""
        if self._jobs.qsize() >= MAX_WAITING:
            raise FrameError(f"already {MAX_WAITING} replies waiting on this connection", fatal=True)

    def put(self, job: SpeechJob) -> None:
        """Add a job after all others."""
        self._jobs.put_nowait(job)

    def finish(self) -> None:
        """Let `run` return after the last job. No job may be added afterwards."""
        self._jobs.put_nowait(None)

    def stop(self) -> None:
        """End all jobs with an error, then let `run` return."""
        waiting = [] if self._current is None else [self._current]
        while not self._jobs.empty():
            if (job := self._jobs.get_nowait()) is not None:
                waiting.append(job)
        for job in waiting:
            job.reject("the server is shutting down", "shutdown")
        for job in waiting[1:] if self._current else waiting:
            self._jobs.put_nowait(job)
        self.finish()

    async def run(self) -> None:
        """Speak all jobs. Raises OSError if the client is gone."""
        while (job := await self._jobs.get()) is not None:
            self._current = job
            try:
                timestamp = await self._speak(job, job.reply) if job.reply and not job.error else 0
                if job.error is not None:
                    _LOGGER.warning("rejected a request from %s: %s", self._client, job.error.text)
                    if job.reply is None:
                        self._context.metrics.reject()
                    await self._client.write(job.error)
                await self._client.write(AudioStop(timestamp=timestamp))
                if job.streaming:
                    await self._client.write(SynthesizeStopped())
            finally:
                if job.reply is not None:
                    job.reply.cancel()
                self._current = job = None  # drop the reply, which holds its model: the next job may never come

    async def _speak(self, job: SpeechJob, reply: Reply) -> int:
        """Speak a reply once its engine has a slot, or at once in the fallback voice if so configured.

        Returns its length in milliseconds.
        """
        admission, server = self._context.admission, self._context.live_settings.config.server
        if (
            server.when_busy == "fallback"
            and admission.full(reply.engine)
            and reply.fallback not in (None, reply.engine)
        ):
            reply.fall_back()
        try:
            async with admission.slot(reply.engine) as slot:
                releasing = asyncio.create_task(self._release_while_paused(slot, job, reply), name="wyoming slot")
                try:
                    return await send_reply(reply, self._client, self._context.metrics)
                finally:
                    releasing.cancel()
                    await asyncio.wait({releasing})
        except Busy as error:
            self._reject(job, error)
            return 0

    async def _release_while_paused(self, slot: Slot, job: SpeechJob, reply: Reply) -> None:
        """Let others have the slot whenever the text pauses."""
        try:
            while True:
                if (left := RELEASE_AFTER_S - reply.waiting_s) > 0:
                    await asyncio.sleep(left)
                    continue
                slot.release()
                await job.pause()
                await slot.acquire(first=True)
                job.resume()
        except Busy as error:
            self._reject(job, error)

    def _reject(self, job: SpeechJob, error: Busy) -> None:
        job.reject(str(error), "busy")
        self._context.metrics.reject()
