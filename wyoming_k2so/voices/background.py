"""Threads that load and unload engines: slow work that no event loop may wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

LOADING = "loading"
"""Name of the threads that load."""

WATCH = "idle watch"
"""Name of the threads that look for memory to free."""


def start(name: str, work: Callable[..., object], *arguments: Any) -> None:
    """Run `work(*arguments)` in a thread that does not keep the process alive."""
    threading.Thread(target=work, args=arguments, name=name, daemon=True).start()


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """What `work(*arguments)` returns or raises, from a thread that does not keep the process alive."""
    future: Future[T] = Future()
    start(LOADING, _work, future, partial(work, *arguments))
    try:
        return await asyncio.wrap_future(future)
    finally:
        del future  # an error would hold itself, and what was loaded until then


def _work(future: Future[T], work: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001  raised where the result is awaited
        future.set_exception(error)
        del future  # likewise
