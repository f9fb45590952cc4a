"""When to try again: 2 s, doubled up to 15 minutes, with full jitter (RELIABILITY A9)."""

from __future__ import annotations

FIRST_S = 2.0
LONGEST_S = 900.0
# Beyond this the longest is reached anyway; the power would only grow.
_MOST_DOUBLINGS = 16


def delay_s(tries: int, chance: float) -> float:
    """Return the seconds to wait after ``tries`` failures; ``chance`` is evenly spread over 0 to 1.

    Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), but never under a
    second, so that no chance makes a busy loop.
    """
    highest = min(FIRST_S * float(1 << min(max(tries, 0), _MOST_DOUBLINGS)), LONGEST_S)
    return max(1.0, highest * chance)
