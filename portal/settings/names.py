"""Names of settings that are set and mean nothing."""

import difflib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

# Kubernetes sets these for each service, "portal" and "portal-redis" too, ..._SERVICE_HOST always among them.
SERVICE = re.compile(r"(PORTAL\w*?)_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
MENTIONED = re.compile(r"\$\{(PORTAL_\w+)")


def check_names(environ: Mapping[str, str], names: Collection[str], app_dir: Path | None) -> list[str]:
    """Return a warning of each unknown PORTAL_ name.

    Variables of elements' files are not unknown.

    :param names: the known ones, without their `_FILE`.
    :param app_dir: the folder with the elements' files, if it is known.
    """
    set_ones = sorted(name for name in environ if name.startswith("PORTAL_") and environ[name])
    odd = [name for name in set_ones if name.removesuffix("_FILE") not in names]
    odd = [name for name in odd if not belongs_to_service(name, environ)]
    mentioned = find_mentioned_names(app_dir) if odd and app_dir else set()
    return [
        f"{name} is no setting; did you mean {find_nearest(name, names)}?"
        for name in odd
        if name.removesuffix("_FILE") not in mentioned and name not in mentioned
    ]


def belongs_to_service(name: str, environ: Mapping[str, str]) -> bool:
    """Tell whether Kubernetes has set a name for a service.

    Then it has set the name of the service's host, too.
    """
    match = SERVICE.fullmatch(name)
    return match is not None and f"{match[1]}_SERVICE_HOST" in environ


def find_nearest(name: str, names: Collection[str]) -> str:
    """Return the name that is spelled most like this one."""
    stem, ending = name.removesuffix("_FILE"), "_FILE" if name.endswith("_FILE") else ""
    return difflib.get_close_matches(stem, sorted(names), n=1, cutoff=0.0)[0] + ending


def find_mentioned_names(app_dir: Path) -> set[str]:
    """Return the PORTAL_ names used in elements' files."""
    names = set()
    for file in app_dir.glob("auths/loginTypes/*/*.json"):
        try:
            names.update(MENTIONED.findall(file.read_text(encoding="utf-8-sig")))
        except (OSError, UnicodeError):
            pass  # the element says itself that its file can't be read
    return names
