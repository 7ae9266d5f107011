"""Files for the portal's own user alone: its keys, the SQLite database and the queue."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import make_url

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(path: Path) -> None:
    """Make a folder that nobody else may enter, unless it is there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_file(path: str | Path) -> str:
    """Make an empty file that nobody else may read, unless it is there; return its path.

    SQLite gives the files it makes beside a database (-wal, -shm, -journal) the database's own mode. Where the file
    can't be made, its first use says why.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return str(path)


def tighten(folder: Path) -> None:
    """Close a folder of ours, and the files in it, to everybody else: earlier versions made them readable.

    What belongs to another user stays as it is.
    """
    with suppress(OSError):
        for path in (folder, *folder.iterdir()):
            mode = path.stat().st_mode if path == folder else path.lstat().st_mode
            if mode & OTHERS and (path == folder or stat.S_ISREG(mode)):
                with suppress(PermissionError):
                    path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def sqlite_file(url: str, instance: str) -> Path | None:
    """Return the file of a SQLite database; a relative one lies in the instance folder."""
    parts = make_url(url)
    plain = parts.get_backend_name() == "sqlite" and not parts.database.startswith("file:")
    return Path(instance, parts.database) if plain else None


def open_to_all(path: str | Path) -> bool:
    """Return whether every user of this machine may read a file, as far as its mode and its folder's say."""
    try:
        file, folder = Path(path).stat().st_mode, Path(path).resolve().parent.stat().st_mode
    except OSError:
        return False
    return bool(file & stat.S_IROTH and folder & stat.S_IXOTH)
