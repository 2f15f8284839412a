"""The configuration: checked against its schema before any job runs, and described from the same schema."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Problem = tuple[str, str]
"""Key path and what is wrong there."""


class SettingsError(ValueError):
    """A configuration that cannot be run; the message names every key at fault, what was found and what is allowed."""


def read(path: str | Path) -> dict[str, Any]:
    """The content of a YAML file, a mapping. Raises SettingsError that names the file if it is none."""
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not YAML in UTF-8: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: is not a mapping of keys to values")
    return content


def check(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the configuration in which absent keys have their defaults.

    schema: a JSON schema (draft 2020-12) of nested objects. After it, rules across keys are checked. Raises
    SettingsError that tells all problems at once: path of the key, what was found, what is allowed and the nearest
    match.
    """
    completed = _completed(config, schema, schema)
    # A value can break two rules of its key (type and enum); the words for it are the same.
    problems = list(dict.fromkeys(_against_schema(completed, schema))) or list(_across_keys(completed))
    if problems:
        lines = "".join(f"\n  {path}: {problem}" for path, problem in problems)
        raise SettingsError(f"the configuration cannot be run:{lines}")
    return completed


def defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of an empty file."""
    return _completed({}, schema, schema)


def describe(schema: Mapping[str, Any]) -> str:
    """All keys of the schema as a Markdown page: meaning, allowed values, default; one heading per section."""
    lines = [
        "# Configuration",
        "",
        "`config.yaml` is the default. `quick.yaml`, `full.yaml` and `paper.yaml` are put over it, for example",
        "`snakemake --cores all --configfile config/quick.yaml`; a file of your own needs only the keys that differ.",
        "A list takes the place of the list below it. Unknown keys and values that are not allowed stop the run before",
        "any job. (This page is made from `schema.yaml` by `make config/README.md`; do not edit it.)",
        "",
        *_prose(schema["description"]),
    ]
    own = {name: part for name, part in schema["properties"].items() if "properties" not in part}
    lines += ["", "## Top level", "", *_table(own, schema)]
    for name, part in schema["properties"].items():
        if "properties" in part:
            lines += ["", f"## {name}", "", *_prose(part["description"])]
            nested = {key: value for key, value in part["properties"].items() if _is_section(value)}
            flat = {key: value for key, value in part["properties"].items() if key not in nested}
            if flat:
                lines += ["", *_table(flat, schema)]
            for key, value in nested.items():
                lines += ["", f"### {name}.{key}", "", *_prose(value["description"])]
                lines += ["", *_table(value["properties"], schema)]
            for key, value in flat.items():
                lines += _entries(f"{name}.{key}", value.get("items", {}), schema)
    return "\n".join(lines) + "\n"


def _is_section(part: Mapping[str, Any]) -> bool:
    """Whether a key is a section that is always there; one with a default of its own is a value like any other."""
    return "properties" in part and "default" not in part


def _entries(path: str, part: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """The keys of an entry of a list of sections, and of the sections in it."""
    if "properties" not in part:
        return []
    lines = ["", f"### An entry of {path}", "", *_table(part["properties"], schema, part.get("required", ()))]
    for key, value in part["properties"].items():
        if "properties" in value:
            lines += ["", f"### {key} of an entry of {path}", ""]
            lines += _table(value["properties"], schema, value.get("required", ()))
    return lines


def _prose(text: str) -> list[str]:
    return [" ".join(text.split())]


def _table(properties: Mapping[str, Any], schema: Mapping[str, Any], required: Sequence[str] = ()) -> list[str]:
    rows = ["| key | meaning | allowed | default |", "|---|---|---|---|"]
    for key, part in properties.items():
        part = _resolved(part, schema)
        meaning = " ".join(part["description"].split())
        default = "must be given" if key in required else f"`{_written(part['default'])}`"
        rows.append(f"| `{key}` | {meaning} | {_allowed(part)} | {default} |")
    return rows


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A part of the schema with its reference into $defs followed."""
    if "$ref" not in part:
        return dict(part)
    return {**schema["$defs"][part["$ref"].removeprefix("#/$defs/")], **part}


def _completed(found: Any, part: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    if isinstance(found, list) and "properties" in part.get("items", {}):
        return [_completed(entry, part["items"], schema) for entry in found]
    if "properties" not in part or not isinstance(found, Mapping):
        return deepcopy(found)
    completed = {key: deepcopy(value) for key, value in found.items() if key not in part["properties"]}
    for key, below in part["properties"].items():
        if key in found:
            completed[key] = _completed(found[key], below, schema)
        elif key in part.get("required", ()):
            continue
        elif _is_section(below):
            completed[key] = _completed({}, below, schema)
        else:
            completed[key] = deepcopy(_resolved(below, schema)["default"])
    return completed


# ---- one key ---------------------------------------------------------------------------------------------------------


def _is_whole(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _against_schema(config: Any, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems that the schema alone finds, in the order of the configuration."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    # By the draft 2.0 is an integer, and infinity a number; neither is a size or a share.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole).redefine("number", _is_number)
    validator = extend(Draft202012Validator, type_checker=types)
    for error in validator(schema).iter_errors(config):
        path = _path(error.absolute_path)
        part = {key: value for key, value in error.schema.items() if key != "$ref"}
        if error.validator == "additionalProperties":
            yield from _unknown_keys(path, error.instance, part["properties"])
        elif error.validator == "required":
            yield path, f"lacks {', '.join(key for key in part['required'] if key not in error.instance)}"
        else:
            yield path or "(top level)", _not_allowed(error.instance, part)


def _path(parts: Sequence[str | int]) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _unknown_keys(path: str, found: Mapping[Any, Any], known: Mapping[str, Any]) -> Iterator[Problem]:
    prefix = f"{path}." if path else ""
    for key in found:
        if key not in known:
            near = get_close_matches(str(key), list(known), n=1)
            hint = f"did you mean {prefix}{near[0]}? " if near else ""
            yield f"{prefix}{key}", f"is no key of the configuration; {hint}Allowed here: {', '.join(known)}"


def _not_allowed(found: Any, part: Mapping[str, Any]) -> str:
    message = f"found {'what is not repeated here' if part.get('writeOnly') else _written(found)}"
    message += f"; allowed: {_allowed(part)}"
    if isinstance(found, str) and "enum" in part:
        near = get_close_matches(found, part["enum"], n=1)
        message += f". Did you mean {near[0]}?" if near else ""
    if isinstance(found, bool) and {"on", "off"} & set(part.get("enum", ())):
        message += ". YAML reads a bare on or off as true or false: write it in quotation marks"
    if isinstance(found, str) and {"integer", "number"} & set(_types(part)) and _is_float(found):
        message += ". It is text here: write it without quotation marks, and 1e-3 as 1.0e-3"
    return message


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _written(value: Any) -> str:
    """A value as YAML writes it, on one line and not too long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        text = f"[{', '.join(_written(item) for item in value)}]"
    elif isinstance(value, Mapping):
        text = f"{{{', '.join(f'{key}: {_written(item)}' for key, item in value.items())}}}"
    elif isinstance(value, str):
        text = value if value and value == value.strip() and not _is_float(value) else f'"{value}"'
    else:
        text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _types(part: Mapping[str, Any]) -> list[str]:
    types = part.get("type", [])
    return [types] if isinstance(types, str) else list(types)


_TYPE_WORDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "array": "list",
    "object": "section",
    "boolean": "true or false",
    "null": "null",
}


def _allowed(part: Mapping[str, Any]) -> str:
    """What a part of the schema allows, in words."""
    if "properties" in part:
        empty = " or null" if "null" in _types(part) else ""
        return f"a section with the keys {', '.join(part['properties'])}{empty}"
    if "enum" in part:
        return f"one of {', '.join(part['enum'])}" if len(part["enum"]) > 1 else f"{part['enum'][0]} only"
    if "items" in part:
        words = f"list of {part['minItems']} or more" if part.get("minItems") else "list"
        words += ", none twice" if part.get("uniqueItems") else ""
        empty = "; or null" if "null" in _types(part) else ""
        return f"{words}; each: {_allowed(part['items'])}{empty}"
    words = " or ".join(_TYPE_WORDS[name] for name in _types(part))
    bounds = [
        f"at least {part['minimum']}" if "minimum" in part else "",
        f"more than {part['exclusiveMinimum']}" if "exclusiveMinimum" in part else "",
        f"at most {part['maximum']}" if "maximum" in part else "",
        f"less than {part['exclusiveMaximum']}" if "exclusiveMaximum" in part else "",
        f"a multiple of {part['multipleOf']}" if "multipleOf" in part else "",
        "not empty" if part.get("minLength") else "",
        part["title"] if "pattern" in part else "",
    ]
    return ", ".join([words, *filter(None, bounds)])


# ---- rules across keys -----------------------------------------------------------------------------------------------

RETRIEVED_MODEL = "SmolLM2-135M-Instruct"


def _across_keys(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems between keys, each of which is allowed by itself."""
    model, collective, defense = config["model"], config["collective"], config["defense"]
    if model["backend"] == "endpoint":
        yield from _of_endpoint(config)
    elif not model["path"] and model["name"] != RETRIEVED_MODEL:
        yield (
            "model.name",
            f"found {model['name']}, but model.path is empty, so {RETRIEVED_MODEL} would run under that name; "
            "give the folder of your model in model.path",
        )

    sizes = collective["sizes"]
    if sizes != sorted(sizes) or sizes[0] != 0:
        yield "collective.sizes", f"found {sizes}; must ascend, and begin with 0 (the model as deployed)"
    if defense["at_size"] not in sizes:
        yield "defense.at_size", f"found {defense['at_size']}; must be one of collective.sizes above 0: {sizes}"
    yield from _of_in_context(config)
    yield from _too_large(config)
    yield from _of_grid(defense)

    if "none" not in defense["names"]:
        yield "defense.names", "must hold none: without the undefended case there is nothing to compare a filter with"
    rates = list(defense["strengths"].values())
    if rates != sorted(rates):
        yield "defense.strengths", f"found {rates}; weak must reject no more than moderate, and moderate than strong"
    if defense["reference_size"] * min(rates) < 1:
        yield (
            "defense.reference_size",
            f"found {defense['reference_size']}; at a false-positive rate of {min(rates)} not one clean sentence "
            f"could be rejected; at least {math.ceil(1 / min(rates))} are needed",
        )
    rows = config["scale"]["rows"]
    if rows != sorted(rows):
        yield "scale.rows", f"found {rows}; must ascend"
    yield from _of_minority(config["minority"])
    for name, style in config["figures"].items():
        if style.get("main_size") and style["main_size"] not in sizes:
            yield (
                f"figures.{name}.main_size",
                f"found {style['main_size']}; must be one of collective.sizes above 0, or null: {sizes}",
            )


def _of_in_context(config: Mapping[str, Any]) -> Iterator[Problem]:
    if "in_context" not in config["uptakes"] or config["in_context"]["sizes"] is None:
        return
    sizes, swept, at_size = config["in_context"]["sizes"], config["collective"]["sizes"], config["defense"]["at_size"]
    if sizes != sorted(sizes) or sizes[0] != 0 or not set(sizes) <= set(swept):
        yield "in_context.sizes", f"found {sizes}; must ascend, begin with 0, and be some of collective.sizes: {swept}"
    elif at_size not in sizes:
        yield "in_context.sizes", f"found {sizes}; must hold defense.at_size, {at_size}, where filters are compared"


def _of_grid(defense: Mapping[str, Any]) -> Iterator[Problem]:
    swept, trained = defense["grid_sizes"], defense["grid_trained_sizes"]
    if swept != sorted(swept):
        yield "defense.grid_sizes", f"found {swept}; must ascend"
    if not set(trained) <= set(swept):
        yield "defense.grid_trained_sizes", f"found {trained}; each must be one of defense.grid_sizes: {swept}"


def _of_endpoint(config: Mapping[str, Any]) -> Iterator[Problem]:
    endpoint, model = config["endpoint"], config["model"]
    address = urlsplit(endpoint["base_url"])
    if address.scheme not in ("http", "https") or not address.netloc:
        yield "endpoint.base_url", "is no address that begins with http:// or https://; model.backend is endpoint"
    elif "@" in address.netloc or address.query or address.fragment:
        yield (
            "endpoint.base_url",
            "holds a user name, password or query, which would be written into the records of the run; "
            "put the key into an environment variable, and its name into endpoint.key_variable",
        )
    if model["path"]:
        yield "model.path", f"found {model['path']}; must be empty, since the model is behind endpoint.base_url"
    if config["uptakes"] != ["in_context"]:
        yield (
            "uptakes",
            f"found {_written(config['uptakes'])}; must be [in_context]: a model behind a server is not trained",
        )
    if config["in_context"]["retriever"] == "embeddings":
        yield "in_context.retriever", "found embeddings; must be tfidf: the vectors are those of a local model"
    if endpoint["max_cost"] is not None and not endpoint["prompt_price"] + endpoint["completion_price"]:
        yield "endpoint.max_cost", "cannot be kept without endpoint.prompt_price and endpoint.completion_price"


def _of_minority(minority: Mapping[str, Any]) -> Iterator[Problem]:
    own = [entry["name"] for entry in minority["own_tables"]]
    people, alphas = [*minority["datasets"], *own], minority["alphas"]
    if not people:
        yield "minority.datasets", "is empty, and so is minority.own_tables; at least one of them must name people"
    twice = {name for name in own if people.count(name) > 1}
    if twice:
        yield "minority.own_tables", f"the name {', '.join(sorted(twice))} is taken; each needs one of its own"
    if alphas != sorted(alphas):
        yield "minority.alphas", f"found {alphas}; must ascend"
    if minority["at_alpha"] not in alphas:
        yield "minority.at_alpha", f"found {minority['at_alpha']}; must be one of minority.alphas: {alphas}"
    if "none" not in minority["mitigations"]:
        yield "minority.mitigations", "must hold none: without it there is nothing to compare a mitigation with"
    if minority["signal"]["dataset"] not in ["", *people]:
        yield (
            "minority.signal.dataset",
            f"found {minority['signal']['dataset']}; must be one of the people of this run, {', '.join(people)}, "
            "or empty",
        )
    for place, entry in enumerate(minority["own_tables"]):
        if entry["series"] and not entry["person"]:
            yield f"minority.own_tables[{place}].person", "is empty, but a series needs the column that holds its ids"


def _too_large(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Pool sizes beyond what the collective writes; how much a pool from a file holds only the file tells."""
    collective = config["collective"]
    if collective["pool_file"]:
        return
    written = collective["agents"] * collective["sentences_per_agent"]
    asked = {
        "collective.sizes": max(collective["sizes"]),
        "depth_study.size": config["depth_study"]["size"],
        "overlap_study.sizes": max(config["overlap_study"]["sizes"]),
    }
    for path, size in asked.items():
        if size > written:
            yield (
                path,
                f"asks for a pool of {size}, but {collective['agents']} agents with "
                f"{collective['sentences_per_agent']} sentences each write {written}; raise collective.agents",
            )


def checked_or_exit(config: Mapping[str, Any], schema: str | Path, own_filters: Iterable[str] = ()) -> dict[str, Any]:
    """`check` against the schema file, ending the program with the problems alone, without a traceback.

    own_filters: names that `defense.names` may hold beside those of the schema.
    """
    try:
        return check(config, _with_filters(read(schema), own_filters))
    except SettingsError as error:
        raise SystemExit(f"error: {error}") from None


def _with_filters(schema: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    extended = deepcopy(dict(schema))
    extended["properties"]["defense"]["properties"]["names"]["items"]["enum"] += names
    return extended
