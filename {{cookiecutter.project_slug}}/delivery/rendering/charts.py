"""Charts whose output depends on their values alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from ..errors import Refused
from ..files import broken, parse_yaml

NOT_ALLOWED = ("charts/", "crds/", "Chart.lock", "requirements.yaml", "requirements.lock")
WORD = re.compile(r"\w+")
KEYWORDS = frozenset(
    WORD.findall("block break continue define else end false if nil range template true with")
)
PURE = frozenset(
    WORD.findall(
        """
    and eq ge gt html index js le len lt ne not or print printf println slice urlquery

    fail fromJson fromJsonArray fromToml fromYaml fromYamlArray include required toJson toToml
    toYaml toYamlPretty

    abbrev abbrevboth camelcase cat contains hasPrefix hasSuffix indent initials kebabcase lower
    nindent nospace plural quote repeat replace snakecase squote substr swapcase title toString
    toStrings trim trimAll trimPrefix trimSuffix trunc untitle upper wrap wrapWith

    add add1 add1f addf atoi biggest ceil div divf float64 floor int int64 max maxf min minf mod
    mul mulf round seq sub subf toDecimal until untilStep

    all any coalesce compact default empty fromJson mustCompact mustFromJson mustToJson
    mustToPrettyJson mustToRawJson ternary toPrettyJson toRawJson

    append chunk concat deepCopy deepEqual dict dig first get has hasKey initial join last list
    merge mergeOverwrite mustAppend mustChunk mustDeepCopy mustFirst mustHas mustInitial mustLast
    mustMerge mustMergeOverwrite mustPrepend mustPush mustRest mustReverse mustSlice mustUniq
    mustWithout omit pick pluck prepend push rest reverse set sortAlpha split splitList splitn
    tuple uniq unset without

    kindIs kindOf typeIs typeIsLike typeOf

    adler32sum b32dec b32enc b64dec b64enc sha1sum sha256sum sha512sum
    base clean dir ext isAbs semver semverCompare urlJoin urlParse

    mustRegexFind mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral
    mustRegexSplit regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll
    regexReplaceAllLiteral regexSplit
    """
    )
)
"""Functions of text/template, helm and sprig 3 whose answer depends on their arguments alone.

An allow-list, so that what a later helm adds is refused until someone looked at it. Left out are
clock, chance, keys and salts (now, date*, rand*, gen*, uuidv4, bcrypt, …), cluster, network and
environment (lookup, getHostByName, env), `tpl`, since it would run what values hold, and `keys`
and `values`, whose order is random: `range` goes through a map in order.
"""
TOKEN = re.compile(
    r"""(?P<end>\}\})
      | (?P<comment>/\*.*?\*/)
      | (?P<text>"(?:\\.|[^"\\])*" | `[^`]*` | '(?:\\.|[^'\\])*')
      | (?P<field>[.$]\w*)
      | (?P<number>\d[\w.]*)
      | (?P<name>[^\W\d]\w*)
      | .""",
    re.VERBOSE | re.DOTALL,
)


def require_closed_chart(files: Mapping[str, bytes], chart: str) -> None:
    """Raise Refused where a chart depends on another, on a clock, on chance or on its machine."""
    start = f"{chart}/"
    own = {path.removeprefix(start): path for path in files if path.startswith(start)}
    for name, path in own.items():
        if name.startswith(NOT_ALLOWED):
            raise _refused("chart-not-closed", f"{path}: charts hold no charts, CRDs or locks")
    if "Chart.yaml" not in own:
        raise _refused("chart-not-closed", f"{start}Chart.yaml is missing")
    _require_alone(files[own["Chart.yaml"]], own["Chart.yaml"])
    if "values.schema.json" in own:
        _require_local_schema(files[own["values.schema.json"]], own["values.schema.json"])
    for name, path in own.items():
        if name.startswith("templates/"):
            _require_pure(files[path], path)


def functions(template: str) -> Iterator[tuple[int, str]]:
    """Yield every function that a template's actions name, with its line."""
    at = template.find("{{")
    while at >= 0:
        at += 2
        while at < len(template):
            token = TOKEN.match(template, at)
            if token is None or token.lastgroup == "end":
                break
            if token.lastgroup == "name" and token.group() not in KEYWORDS:
                yield template.count("\n", 0, at) + 1, token.group()
            at = token.end()
        at = template.find("{{", at)


def _require_pure(data: bytes, path: str) -> None:
    template = data.decode("utf-8", "replace")
    for line, name in functions(template):
        if name not in PURE:
            raise _refused(
                "impure-template",
                f"{path}, line {line}: `{name}` is not known to depend on its arguments alone",
            )
    if "HelmVersion" in template:
        line = template.count("\n", 0, template.index("HelmVersion")) + 1
        raise _refused("impure-template", f"{path}, line {line}: HelmVersion differs by build")


def _require_alone(data: bytes, path: str) -> None:
    content = parse_yaml(data, path)
    if not isinstance(content, dict) or content.get("apiVersion") != "v2":
        raise broken(path, "it is no Chart.yaml of apiVersion v2")
    if any(str(key).lower() == "dependencies" and value for key, value in content.items()):
        raise _refused("chart-not-closed", f"{path}: the chart has dependencies")


def _require_local_schema(data: bytes, path: str) -> None:
    try:
        content = json.loads(data)
    except ValueError as err:
        raise broken(path, f"it is no JSON: {err}") from err
    for reference in _schema_references(content):
        if not str(reference).startswith("#"):
            raise _refused("chart-not-closed", f"{path}: the schema refers to {reference!r}")


def _schema_references(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef"):
                yield inner
            yield from _schema_references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _schema_references(inner)


def _refused(code: str, seen: str) -> Refused:
    return Refused(
        code,
        f"{seen}.",
        "A chart is rendered from its own files and values: the same bytes each time.",
        "take it out of the chart, and what varies from values.yaml",
    )
