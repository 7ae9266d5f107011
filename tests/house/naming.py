"""Figures of the names of functions, classes and locals."""

import ast
import re
from collections import defaultdict

from repository import FUNCTIONS, Function, Measured, is_route, read_functions, read_modules

PLATFORM_FOLDER = re.compile(r"portal/elements/(feishu|wecom)/")
EMPTY_LOCALS = {"found", "told", "mine", "each", "known", "seen"}

# A first word of these says nothing that the function does, whatever follows.
PREPOSITIONS = set(
    """about above across after against along among around at before behind below beneath beside between beyond by
    despite during except for in inside into near of off on onto out outside over past per since through toward under
    until up upon upward via with within without""".split()
)
PRONOUNS = set(
    """anybody anyone anything everybody everyone everything he her hers him his it its me mine my nobody none nothing
    others our ours she somebody someone something that their theirs them these they this those us we what which
    whichever who whoever whom whose why you your yours""".split()
)
PARTICIPLES = set(
    """begun born bought broken brought built caught chosen come done drawn driven fallen felt forgotten found frozen
    given gone grown heard held hidden kept known laid left lost made meant met paid risen said seen sent shown sold
    spent spoken stolen taken taught thought thrown told torn understood won worn written""".split()
)
# These say nothing alone, or before a word that is no noun either; `open_sessions()` names its sessions.
ADJECTIVES = set(
    """absent alive all alone any apart bad bare best better big both broad common current dead deep different due each
    eager early equal exact false far few final fine first foreign former fresh full good great half hard heavy high
    huge idle inner large last late latest least less light little local long loose looser lost low main many more
    most narrower new newer newest next odd old older oldest only other outer own plain poor private proper public
    quick quiet rare raw ready real recent right safe same second several shallow short silent similar simple single
    slow small some sound stale straight strange strict strong such surplus tall third tight tiny total true unclear
    unique upper vague valid weak whole wide wider wild worse worst wrong""".split()
)
ADVERBS = set(
    """again ago ahead almost already also altogether always anew aside away back else elsewhere ever here instead just
    lately later maybe meanwhile never not often once perhaps quite rather so sometimes soon still then there together
    too twice upward well yet""".split()
)
# These end like a participle or an adjective and are verbs or nouns.
VERBS_AND_NOUNS = set(
    """archive arrive beginning binding bring building cable derive dive drive embed enable disable encoding ending
    exceed feed finding give greeting heading heed listing live meaning need opening padding paging ping proceed rating
    reading receive recording ring seed setting shed sing speed spelling spring string succeed survive swing table
    thing timing variable warning""".split()
)
CONVERSIONS = {"to", "from", "as"}  # `to_row()`, `from_json()`, `as_person()` are an idiom of Python
FOREIGN = {"readable"}  # a method of `io.RawIOBase`


def count_doubled_names() -> Measured:
    """Count the top-level names that two modules define.

    Route functions don't count: their names are endpoints. Neither do the same files of two platforms.
    """
    places = defaultdict(dict)
    for module in read_modules("portal"):
        place = PLATFORM_FOLDER.sub("portal/elements/*/", module.name)
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) or isinstance(node, FUNCTIONS) and not is_route(node):
                if not re.fullmatch("__.*__", node.name):
                    places[node.name].setdefault(place, (module, node))
    offenders = []
    for name, definitions in places.items():
        (module, node), *others = definitions.values()
        if others:
            offenders.append(module.point_at(node, f"{name}, also in {', '.join(other.name for other, _ in others)}"))
    return Measured.count(offenders)


def count_missing_verbs() -> Measured:
    """Count functions with a name that says nothing they do."""
    return Measured.count(
        [
            function.point_at(f"{function.node.name}()")
            for function in read_functions("portal")
            if not function.is_route and lacks_verb(function.node.name, function.is_property)
        ]
    )


def lacks_verb(name: str, is_property: bool = False) -> bool:
    """Tell whether a function's name leaves out what it does.

    A property is read like a field, so an adjective, a participle or `in_production` serves it.
    """
    if name in FOREIGN or name.startswith("__"):
        return False
    first, *rest = name.strip("_").lower().split("_")
    if first in PRONOUNS:
        return True
    if first in PREPOSITIONS | CONVERSIONS:
        return not rest or not (is_property or first in CONVERSIONS)
    if is_property:
        return False
    if is_participle(first):
        return True
    is_followed_by_noun = bool(rest) and not any(word in PREPOSITIONS | PRONOUNS | ADVERBS for word in rest)
    return not is_followed_by_noun and is_adjective_or_adverb(first)


def is_participle(word: str) -> bool:
    return word in PARTICIPLES or len(word) > 3 and word.endswith("ed") and word not in VERBS_AND_NOUNS


def is_adjective_or_adverb(word: str) -> bool:
    """Tell whether a word describes a thing or an act."""
    ending = word.endswith(("able", "ible", "ful", "ing", "ive", "ous"))
    return word in ADJECTIVES | ADVERBS or ending and word not in VERBS_AND_NOUNS


def count_empty_locals() -> Measured:
    """Count locals that name no thing, once a function."""
    offenders = []
    for function in read_functions("portal"):
        offenders += _list_empty_locals(function)
    return Measured.count(offenders)


def _list_empty_locals(function: Function) -> list:
    first = {}
    for node in _walk_body(function.node):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in EMPTY_LOCALS:
            first.setdefault(node.id, node)
    return [function.module.point_at(node, f"{name} in {function.node.name}()") for name, node in first.items()]


def _walk_body(function: ast.AST):
    """Yield a function's nodes without those of nested functions."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            yield child
            yield from _walk_body(child)
