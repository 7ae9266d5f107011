"""The project's repository, in which a test may publish releases."""

import subprocess

from support.portal_app import ROOT

import portal


class Source:
    """A clone of this repository."""

    def __init__(self, folder):
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", str(folder)], check=True)

    def git(self, *words):
        author = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        command = ["git", "-C", str(self.folder), *author, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def find_release(self, version):
        """Return the tag of a version.

        The version that is about to be released gets its tag here.
        """
        tag = f"v{version}"
        if not self.git("tag", "--list", tag):
            self.git("tag", tag)
        return tag

    def publish(self):
        """Make a release of what the repository holds, and return its tag."""
        version, file = f"{portal.__version__}.1", self.folder / "portal/__init__.py"
        text = file.read_text()
        assert f'"{portal.__version__}"' in text
        file.write_text(text.replace(f'"{portal.__version__}"', f'"{version}"'))
        self.git("commit", "--quiet", "--all", "--message", f"Release {version}")
        self.git("tag", f"v{version}")
        return f"v{version}"
