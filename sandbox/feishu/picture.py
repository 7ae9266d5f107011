"""A picture like a QR code without any meaning.

A real phone could not follow it, because the sandbox is on this machine only. The pretend phone is a link beside it.
"""

from hashlib import shake_128

SIZE = 33  # modules along each side, as in the fourth size of QR codes
MARGIN = 4  # empty modules around it
FINDERS = ((0, 0), (SIZE - 7, 0), (0, SIZE - 7))  # upper left corners
ALIGNMENT = (SIZE - 9, SIZE - 9)
TIMING = 6  # the row and the column of alternating modules


def draw_path(text):
    """Return the dark modules as an SVG path.

    It is always the same for the same text.
    """
    noise = int.from_bytes(shake_128(text.encode()).digest(SIZE * SIZE // 8 + 1))
    modules = ((x, y) for y in range(SIZE) for x in range(SIZE))
    return "".join(f"M{x + MARGIN} {y + MARGIN}h1v1h-1z" for x, y in modules if is_dark(x, y, noise))


def is_dark(x, y, noise):
    for left, top in FINDERS:
        if -1 <= x - left <= 7 and -1 <= y - top <= 7:
            return count_rings(x - left - 3, y - top - 3) in (0, 1, 3)
    across, down = x - ALIGNMENT[0], y - ALIGNMENT[1]
    if 0 <= across < 5 and 0 <= down < 5:
        return count_rings(across - 2, down - 2) in (0, 2)
    if TIMING in (x, y):
        return (x + y) % 2 == 0
    return bool(noise >> (y * SIZE + x) & 1)


def count_rings(x, y):
    """Return a module's distance from the middle, in rings."""
    return max(abs(x), abs(y))
