"""How far a computed tensor is from the exact one."""

from __future__ import annotations

from torch import Tensor


def relative_error(found: Tensor, exact: Tensor) -> float:
    """The error's norm, as a share of the exact tensor's."""
    return float((found - exact).norm() / exact.norm())
