"""What windows of a convolutional network need of their neighbours. Knows no network and no library.

A window of frames sounds as it does in the whole if it comes with as many frames on each side as the layers can see.
Each layer sees some, so the further a signal has come, the fewer neighbours it still needs: it is trimmed on its way,
which saves most before a stage that makes it many times longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def trims(left: int, count: int, right: int, points: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where to cut a window of `count` frames that has `left` and `right` neighbours: (start, end) at each point.

    `points`: values per frame there, and the values on each side that later layers can see. At an end of the whole
    there are fewer neighbours than that, and all of them stay.
    """
    rate = 1
    for rate_here, seen in points:
        left, right = left * rate_here // rate, right * rate_here // rate
        start, rate = left - min(left, seen), rate_here
        left, right = left - start, min(right, seen)
        yield start, start + left + count * rate + right
