"""How networks get their weights: modules are built without memory, then filled from a reader, tensor by tensor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class WeightReader(Protocol):
    """The tensors of a checkpoint by Coqui's names."""

    def __contains__(self, name: str, /) -> bool:
        """Whether there is a tensor of this name."""

    def copy(self, name: str, shape: tuple[int, ...] | None = None, *, transpose: bool = False) -> Tensor:
        """A contiguous float32 copy in memory; `shape` is what the checkpoint must hold, before transposing.

        Raises:
            EngineError: the tensor is missing or has another shape.
        """


@contextmanager
def init_empty_weights() -> Iterator[None]:
    """Build modules whose weights take no memory until they are filled."""
    with torch.device("meta"), _NoInitialization():
        yield


class _NoInitialization(TorchFunctionMode):
    """Skips torch's initialization, which for tensors without memory imports torch's compiler: more than a second."""

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_):
            return kwargs["tensor"]
        return func(*args, **(kwargs or {}))
