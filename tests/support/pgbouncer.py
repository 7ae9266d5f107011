"""A PgBouncer for the tests, in front of a cluster."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.postgres import find_free_port


def find_program() -> str | None:
    """Return the path of PgBouncer, or None.

    Debian puts it where only root looks.
    """
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class PgBouncer:
    """A running pooler with the settings Debian ships.

    It refuses to run as root, as the server does.

    :param mode: `session` or `transaction`.
    """

    def __init__(self, cluster, mode: str):
        self.folder, self.port = Path(tempfile.mkdtemp(prefix="portal-pgb-")), find_free_port()
        (self.folder / "users").write_text('"portal" ""\n')
        (self.folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host=127.0.0.1 port={cluster.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {self.folder}/users\npool_mode = {mode}\n"
            f"default_pool_size = {3 if mode == 'transaction' else 20}\n"
            f"logfile = {self.folder}/log\npidfile = {self.folder}/pid\n"
        )
        user = []
        if os.geteuid() == 0:
            user = ["runuser", "-u", "postgres", "--"]
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, "postgres", "postgres")
        subprocess.run([*user, find_program(), "-d", "-q", str(self.folder / "pgbouncer.ini")], check=True, cwd="/")

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://portal@127.0.0.1:{self.port}/{name}"

    def stop(self):
        os.kill(int((self.folder / "pid").read_text()), 9)
        shutil.rmtree(self.folder, ignore_errors=True)
