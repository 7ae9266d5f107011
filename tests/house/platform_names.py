"""Figures of platform names outside the platforms' own files."""

import ast
import io
import re
import tokenize

from repository import ROOT, Measured, Module, Offender, list_files, read_modules

FEISHU, WECOM = "feishu|lark|飞书", "wecom|qywx|wxwork|wechat|企业微信"
NAMES = re.compile(f"{FEISHU}|{WECOM}", re.IGNORECASE)
PLATFORM_FOLDERS = ("portal/elements/feishu/", "portal/elements/wecom/")
# Element files and rows name Types and models, so these modules must, too.
EXEMPT = ("portal/elements/__init__.py", "portal/elements/registry.py", "portal/models.py", "portal/models/")
COMMENTS = {
    ".html": re.compile(r"\{#.*?#\}|<!--.*?-->", re.DOTALL),
    ".js": re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL),
    ".css": re.compile(r"/\*.*?\*/", re.DOTALL),
}


def count_in_code() -> Measured:
    """Count lines of code that name a platform.

    Docstrings and comments may.
    """
    return Measured.count(
        [
            offender
            for module in read_modules("portal")
            if not module.name.startswith(PLATFORM_FOLDERS + EXEMPT) and NAMES.search(module.text)
            for offender in list_named_lines(module.name, strip_prose(module))
        ]
    )


def count_in_pages() -> Measured:
    """Count lines of pages that name a platform.

    Comments may, and templates, styles and scripts named after one.
    """
    return Measured.count(
        [
            offender
            for path in [*list_files("templates", "*"), *list_files("static", "*")]
            if path.suffix in COMMENTS and not NAMES.match(path.name)
            for offender in list_named_lines(
                path.relative_to(ROOT).as_posix(), blank_out(COMMENTS[path.suffix], path.read_text(encoding="utf-8"))
            )
        ]
    )


def count_in_texts() -> Measured:
    """Count the texts for people that name both platforms."""
    path = "translations/messages.pot"
    entries = (ROOT / path).read_text(encoding="utf-8").split("\n\n")
    offenders, line = [], 1
    for entry in entries:
        text = "".join(ast.literal_eval(part) for part in re.findall('^(?:msgid(?:_plural)? )?(".*")$', entry, re.M))
        if all(re.search(names, text, re.IGNORECASE) for names in (FEISHU, WECOM)):
            offenders.append(Offender(path, line, text))
        line += entry.count("\n") + 2
    return Measured.count(offenders)


def list_named_lines(path: str, text: str) -> list[Offender]:
    return [
        Offender(path, number, line.strip()[:100])
        for number, line in enumerate(text.splitlines(), 1)
        if NAMES.search(line)
    ]


def blank_out(pattern: re.Pattern, text: str) -> str:
    """Return the text without matches, with the same line numbers."""
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), text)


def strip_prose(module: Module) -> str:
    """Return a module without prose, with the same line numbers."""
    lines = list(module.lines)
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node, _ in module.docstrings:
        lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "\n".join(lines)
