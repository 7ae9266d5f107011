"""The language of the pages."""

from flask import has_request_context, request, session

LANGUAGES = {"zh": "中文", "en": "English"}


def get_language() -> str:
    """Return the language of this request, `zh` or `en`.

    It is the chosen one, else the one that the browser prefers; `en` where there is no browser.
    """
    if not has_request_context():
        return "en"
    if session.get("language") in LANGUAGES:
        return session["language"]
    for wanted, _quality in request.accept_languages:
        if wanted[:2].lower() in LANGUAGES:
            return wanted[:2].lower()
    return "en"
