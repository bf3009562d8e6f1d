"""The check that keeps NaN and infinity away from the listener."""

from __future__ import annotations

from torch import Tensor


class NotFinite(RuntimeError):
    """A model computed NaN or infinity."""

    def __init__(self) -> None:
        super().__init__("the model produced NaN or infinity")


def check_finite(values: Tensor) -> None:
    """Raise NotFinite unless all values are finite. Waits for the device."""
    if not values.isfinite().all():
        raise NotFinite
