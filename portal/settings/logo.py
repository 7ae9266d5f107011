"""The company's logo, a file that the settings name."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

LOGO_LARGEST = 64 * 1024  # bytes
PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
SVG_ROOT = "{http://www.w3.org/2000/svg}svg"
ADVICE = f"must be an SVG or PNG file of at most {LOGO_LARGEST // 1024} KB"


@dataclass(frozen=True)
class Logo:
    """A picture to send.

    :param version: a digest of the content.
    """

    content: bytes
    mimetype: str
    version: str


def read_logo(path: Path) -> Logo:
    """Return the picture in a file.

    Its content says of which kind it is.

    :raises ValueError: saying why it can't be used.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LOGO_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise ValueError(f"can't be read from {path}: {type(error).__name__}") from None
    if len(content) > LOGO_LARGEST:
        raise ValueError(f"{ADVICE}; {path} is larger")
    mimetype = "image/png" if content.startswith(PNG_START) else "image/svg+xml" if is_svg(content) else None
    if mimetype is None:
        raise ValueError(f"{ADVICE}; {path} is neither")
    return Logo(content, mimetype, hashlib.sha256(content).hexdigest()[:12])


def is_svg(content: bytes) -> bool:
    """Tell whether a browser would draw a file as SVG."""
    try:
        return ElementTree.fromstring(content).tag == SVG_ROOT
    except (ElementTree.ParseError, ValueError, LookupError):
        return False
