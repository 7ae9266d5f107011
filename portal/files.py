"""Files that only the portal's user may read.

These are its keys, the SQLite database and the job queue.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import make_url

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(path: Path) -> None:
    """Make a private folder, unless it exists."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_file(path: str | Path) -> str:
    """Make an empty private file, unless it exists.

    SQLite gives the files it makes beside a database (-wal, -shm, -journal) the database's own mode. If the file
    can't be made, its first use says why.

    :return: its path.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return str(path)


def tighten(folder: Path) -> None:
    """Make an existing folder and its files private.

    Earlier versions made them readable to every user. Files of other users stay as they are.
    """
    with suppress(OSError):
        for path in (folder, *folder.iterdir()):
            mode = path.stat().st_mode if path == folder else path.lstat().st_mode
            if mode & OTHERS and (path == folder or stat.S_ISREG(mode)):
                with suppress(PermissionError):
                    path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def sqlite_file(url: str, instance: str) -> Path | None:
    """Return the file of a SQLite database.

    A relative path is below the instance folder.
    """
    parts = make_url(url)
    plain = parts.get_backend_name() == "sqlite" and not parts.database.startswith("file:")
    return Path(instance, parts.database) if plain else None


def open_to_all(path: str | Path) -> bool:
    """Return whether every local user may read a file.

    Its own mode and the mode of its folder decide.
    """
    try:
        file, folder = Path(path).stat().st_mode, Path(path).resolve().parent.stat().st_mode
    except OSError:
        return False
    return bool(file & stat.S_IROTH and folder & stat.S_IXOTH)
