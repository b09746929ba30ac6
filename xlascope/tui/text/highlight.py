"""Tokens by meaning of one line of jaxpr, StableHLO, HLO or Python: cheap, one regular expression a language.

A line is cut without knowing the lines around it, so a token never spans two lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from xlascope.tui.text.op_kinds import role_of

Token = tuple[str, str]
"""Text and its role, a name of `theme.ROLES`."""
Tokeniser = Callable[[str], list[Token]]

_DTYPE = r"(?:pred|bool|token|opaque|key<\w+>|tuple|[suif]\d{1,2}|bf16|f8\w+|f4\w+|c64|c128|uint\d+|int\d+|float\d+)"
_NUMBER = r"(?<![\w.%])[-+]?(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf\b|nan\b)"
_STRING = r"\"(?:[^\"\\]|\\.)*\"?"

_LANGUAGES = {
    "jaxpr": [
        ("comment", r"\#.*"),
        ("keyword", r"\b(?:lambda|let|in|_)\b(?![\w:=\[])"),
        ("shape", rf"(?<=:)(?:~?{_DTYPE}(?:\[[^\]]*\])?\*?(?:\{{[^}}]*\}})?|Ref\{{[^}}]*\}})"),
        ("shape", rf"\b{_DTYPE}\[[^\]]*\]"),
        ("op", r"(?<== )[a-z_][\w.\-]*(?=[\[ ]|$)"),
        ("attribute", r"\b[a-z_]\w*(?==[^=])"),
        ("string", _STRING + r"|'(?:[^'\\]|\\.)*'"),
        ("define", r"\b[a-z]{1,4}(?=:)"),
        ("number", _NUMBER + r"(?=[\s:,)\]}]|$)"),
        ("literal", r"\b(?:None|True|False)\b"),
    ],
    "stablehlo": [
        ("comment", r"//.*"),
        ("define", r"^\s*%[\w#:]+(?= =)|(?<=func\.func )(?:public |private )?@[\w.$-]+"),
        ("op", r"\b(?:stablehlo|mhlo|chlo|sdy|func|vhlo|mpmd|arith|tensor|scf|shape)\.[\w.]+"),
        ("keyword", r"\b(?:module|return|func|dense|applies|across|cond|do|reducer)\b"),
        ("shape", r"tensor<(?:[^<>]|<[^<>]*>)*>|tuple<[^>]*>"),
        ("source", r"\bloc\((?:[^()]|\([^()]*\))*\)|\#loc\d*"),
        ("operand", r"%[\w#:]+"),
        ("attribute", r"\b[a-z_][\w.]*(?= = )|\#[\w.]+"),
        ("string", _STRING),
        ("number", _NUMBER),
    ],
    "hlo": [
        ("comment", r"/\*.*?\*/|//.*"),
        ("source", r"metadata=\{[^}]*\}?|stack_frame_id=\d+|\bbackend_config=.*"),
        ("keyword", r"\b(?:ROOT|ENTRY|HloModule)\b|->"),
        ("shape", rf"\b{_DTYPE}\[[^\]]*\](?:\{{[^}}]*\}})?"),
        ("define", r"%?[\w.\-]+(?= = )"),
        ("op", r"(?<=[\])}] )[a-z][a-z0-9\-]*(?=\()|\b[a-z][a-z0-9\-]*(?=\()"),
        ("attribute", r"\b[a-z_]\w*(?==)"),
        ("operand", r"%[\w.\-]+"),
        ("string", _STRING),
        ("number", _NUMBER),
    ],
    "python": [
        ("comment", r"\#.*"),
        (
            "string",
            r"(?:\b[rRbBfFuU]{1,2})?(?:\"\"\".*?(?:\"\"\"|$)|'''.*?(?:'''|$)"
            r"|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?)",
        ),
        ("attribute", r"^\s*@[\w.]+"),
        ("define", r"(?<=\bdef )\w+|(?<=\bclass )\w+"),
        (
            "keyword",
            r"\b(?:False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally"
            r"|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b",
        ),
        ("op", r"\b(?:jax|jnp|np|lax)(?:\.\w+)+|\b\w+(?=\()"),
        ("number", _NUMBER),
    ],
    "llvm": [
        ("comment", r";.*"),
        ("keyword", r"\b(?:define|declare|ret|br|label|align|metadata|attributes|target|source_filename)\b"),
        ("op", r"(?<== )[a-z]\w*|^\s+(?:store|call|tail call)\b"),
        ("define", r"^\s*%[\w.\-]+(?= =)|^[\w.\-]+(?=:)"),
        ("operand", r"[%@][\w.\-]+|\"[^\"]*\""),
        ("shape", r"<\d+ x \w+>|\b(?:i\d+|float|double|half|bfloat|ptr|void)\b"),
        ("number", _NUMBER),
    ],
    "asm": [
        ("comment", r"[#;].*"),
        ("define", r"^[\w.$]+(?=:)|^<[^>]*>:?"),
        ("op", r"^\s+(?:[0-9a-f]+:\s+)?[a-z][\w.]*"),
        ("operand", r"%\w+|\b[vsxyz]mm\d+\b"),
        ("number", r"\$?-?0x[0-9a-f]+|\$?-?\b\d+\b"),
    ],
}


def _compile(rules: list[tuple[str, str]]) -> Tokeniser:
    pattern = re.compile("|".join(f"({rule})" for _, rule in rules))
    roles = ["text", *(role for role, _ in rules)]

    def tokenise(line: str) -> list[Token]:
        tokens: list[Token] = []
        plain_from = end = 0
        for match in pattern.finditer(line):
            role = roles[match.lastindex or 0]
            if role == "op":
                role = role_of(match.group())
            if role == "operand":
                # Matched so that nothing else matches in it; drawn as plain text, in one piece with what is around it.
                continue
            start, end = match.span()
            if end > start:
                if start > plain_from:
                    tokens.append((line[plain_from:start], "text"))
                tokens.append((line[start:end], role))
                plain_from = end
        if plain_from < len(line):
            tokens.append((line[plain_from:], "text"))
        return tokens

    return tokenise


def plain(line: str) -> list[Token]:
    """The whole line as one token."""
    return [(line, "text")] if line else []


_SIGNS = {"+": "good", "-": "bad", ">": "shape", "~": "dim", "@": "attribute"}


def _difference(line: str) -> list[Token]:
    """A line of a difference: its sign by meaning, then HLO; a line without a sign is a heading or one that stayed."""
    role = _SIGNS.get(line[:1])
    if role is None:
        return tokeniser("hlo")(line) if line.startswith(" ") else [(line, "title")] if line else []
    if line[0] in "~@":
        return [(line, role)]
    return [(line[0], role), *tokeniser("hlo")(line[1:])]


_COMPILED: dict[str, Tokeniser] = {}
_ALIASES = {"source": "python", "optimized": "hlo", "pass": "hlo"}


def tokeniser(language: str) -> Tokeniser:
    """The tokeniser of a language or stage (`pass:12` is HLO); an unknown one gives plain text.

    The tokens' texts, joined, are the line.
    """
    name = language.partition(":")[0]
    name = _ALIASES.get(name, name)
    if name == "diff":
        return _difference
    if name not in _LANGUAGES:
        return plain
    if name not in _COMPILED:
        _COMPILED[name] = _compile(_LANGUAGES[name])
    return _COMPILED[name]
