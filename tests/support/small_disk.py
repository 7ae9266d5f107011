"""A small file system for the tests."""

import os
import subprocess
from contextlib import contextmanager

from support.groups import report_missing


@contextmanager
def mount_small_disk(folder, size="8m"):
    """Mount a small file system at a folder.

    It is removed with the block. There is no other way to a disk that is full for every process and no other test: a
    limit on the size of files is another error, a mount in a namespace is not seen by the portal, and where mounts are
    forbidden, namespaces are, too.
    """
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "none", str(folder)]
    if os.geteuid() or subprocess.run(words, capture_output=True).returncode:
        report_missing("mount", "no small file system can be mounted here, so no full disk is tested")
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
