"""What is true of the links of `linked_programs.py`, found without xlascope: `python full_paths.py OUT`.

Every equation is named by its whole path, so that no two equations of a program share a name, and the jaxpr of each call
site is a jaxpr of its own. JSON: {program: {"paths": [[instruction, opcode, [path, …]], …], "untagged": optimized text}}.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from jax._src import core, pjit
from linked_programs import named, wanted

CLOSED = getattr(core, "ClosedJaxpr", core.Jaxpr)
NAME = re.compile(r"fp([0-9b_]+)q(?:/|\)|$|\[|;)")
ROW = re.compile(r"^\s*(?:ROOT )?%?([\w.\-]+) = .*?\s([a-z][\w\-]*)\(", re.M)


def rename(jaxpr, prefix):
    inner = getattr(jaxpr, "jaxpr", jaxpr)
    equations = []
    for index, equation in enumerate(inner.eqns):
        path = f"{prefix}{index}"
        count = sum(isinstance(item, (core.Jaxpr, CLOSED)) for value in equation.params.values() for item in (value if isinstance(value, (tuple, list)) else (value,)))
        place = iter(range(count))

        def swap(item, path=path, count=count, place=place):
            if not isinstance(item, (core.Jaxpr, CLOSED)):
                return item
            number = next(place)
            return rename(item, f"{path}_" if count == 1 else f"{path}_b{number}_")

        params = {}
        for key, value in equation.params.items():
            if isinstance(value, tuple):
                items = [swap(item) for item in value]
                value = value._make(items) if hasattr(value, "_make") else tuple(items)
            else:
                value = [swap(item) for item in value] if isinstance(value, list) else swap(value)
            params[key] = value
        info = equation.source_info
        equations.append(equation.replace(params=params, source_info=info.replace(name_stack=info.name_stack.extend(f"fp{path}q"))))
    return jaxpr.replace(eqns=equations) if inner is jaxpr else jaxpr.replace(jaxpr=inner.replace(eqns=equations))


def deepest(op_name):
    """In a chain of nested names the last one says where the instruction is from; XLA joins those of merged ones."""
    combined = re.match(r"(.*?)\((.*:.*)\)\Z", op_name)
    found = []
    for part in combined.group(2).split(":") if combined and "fp" in combined.group(2) else op_name.split(";"):
        names = NAME.findall(part)
        if names:
            path = names[-1].replace("_", ".")
            if path not in found:
                found.append(path)
    return found


def lowered_with_names(traced):
    lower = pjit._resolve_and_lower

    def other(*args, **params):
        if "jaxpr" in params:
            return lower(*args, **{**params, "jaxpr": rename(params["jaxpr"], "")})
        values, jaxpr, *rest = args
        return lower(values, rename(jaxpr, ""), *rest, **params)

    pjit._resolve_and_lower = other
    try:
        return traced.lower()
    finally:
        pjit._resolve_and_lower = lower


def main():
    facts = {}
    for name, (function, args) in wanted().items():
        traced = named(name, function).trace(*args)
        kept = lowered_with_names(traced).compile().as_text()
        rows = []
        for line in kept.splitlines():
            row = ROW.match(line)
            if row:
                op_name = re.search(r'op_name="((?:[^"\\]|\\.)*)"', line)
                rows.append([row.group(1), row.group(2), deepest(op_name.group(1)) if op_name else []])
        facts[name] = {"paths": rows, "untagged": traced.lower().compile().as_text()}
    Path(sys.argv[1]).write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
