"""A small file system for the tests."""

import os
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def mount_small_disk(folder, size="8m"):
    """Mount a small file system at a folder.

    It is removed with the block.
    """
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "none", str(folder)]
    if os.geteuid() or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("this machine does not allow to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_disk(folder):
    """Write until there is no room left."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return
