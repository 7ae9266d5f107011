"""Processes of this machine, as `/proc` has them."""

from pathlib import Path


def list_children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
