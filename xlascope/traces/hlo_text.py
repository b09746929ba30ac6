"""A serialized HloProto as HLO text, in the form in which XLA dumps it.

What this program reads of HLO is there: names, shapes with layouts, operands, called computations, the attributes that
say how much an instruction computes and whom it exchanges with, source positions. Left out are shardings, control
dependencies and literals larger than a scalar.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from xlascope.traces.hlo_message import Message, listed, literal, shape
from xlascope.traces.wire import BYTES, ProfileError, fields


def hlo_text(proto: bytes) -> str:
    """HloProto, or HloModuleProto. Raises ProfileError, with the place, for what is neither."""
    data = memoryview(proto)
    outer = next((part for part in fields(data, 0, len(data)) if part.number == 1 and part.wire == BYTES), None)
    if outer is None:
        raise ProfileError("no HLO module", 0)
    try:
        module = Message(data, outer.start, outer.end)
        whole = 3 in module
    except ProfileError:
        whole = False  # of an HloModuleProto the first field is its name
    if not whole:
        module = Message(data, 0, len(data))
    if 3 not in module:
        raise ProfileError("an HLO module without a computation", outer.start)
    return "\n".join(_module(module)) + "\n"


def _module(module: Message) -> Iterator[str]:
    computations = list(module.each(3))
    names = {each.number(5): each.text(1) for each in computations}
    schedule = _schedule(module)
    head = f"HloModule {module.text(1)}"
    if schedule:
        head += ", is_scheduled=true"
    program = module.one(4)
    if program is not None:
        inputs = ", ".join(shape(each) for each in program.each(1))
        head += f", entry_computation_layout={{({inputs})->{shape(program.one(2))}}}"
    yield head
    yield ""
    yield from _tables(module.one(17))
    entry = module.number(6)
    for computation in computations:
        yield from _computation(computation, names, schedule, computation.number(5) == entry)


def _schedule(module: Message) -> dict[int, list[int]]:
    """Ids of instructions by the id of their computation."""
    held = module.one(7)
    found = {}
    for entry in held.each(1) if held is not None else ():
        sequence = entry.one(2)
        found[entry.number(1)] = sequence.numbers(1) if sequence is not None else []
    return found


def _tables(index: Message | None) -> Iterator[str]:
    """The stack frames, in XLA's four numbered tables."""
    if index is None:
        return
    for title, field in (("FileNames", 1), ("FunctionNames", 2)):
        yield title
        yield from (f"{number} {json.dumps(text)}" for number, text in enumerate(index.texts(field), 1))
        yield ""
    yield "FileLocations"
    named = (("file_name_id", 1), ("function_name_id", 2), ("line", 3), ("end_line", 5), ("column", 4),
             ("end_column", 6))  # fmt: skip
    for number, each in enumerate(index.each(3), 1):
        held = " ".join(f"{name}={each.number(field)}" for name, field in named if field < 5 or field in each)
        yield f"{number} {{{held}}}"
    yield ""
    yield "StackFrames"
    for number, each in enumerate(index.each(4), 1):
        # XLA prints the parent one too high, so that the outermost frame has 1.
        yield f"{number} {{file_location_id={each.number(1)} parent_frame_id={each.number(2) + 1}}}"
    yield ""


def _computation(
    computation: Message, names: Mapping[int, str], schedule: Mapping[int, list[int]], is_entry: bool
) -> Iterator[str]:
    instructions = {each.number(35): each for each in computation.each(2)}
    called = {number: each.text(1) for number, each in instructions.items()}
    order = [number for number in schedule.get(computation.number(5), ()) if number in instructions]
    order = [*dict.fromkeys((*order, *instructions))]
    root = computation.number(6)
    program = computation.one(4)
    given = ""
    if program is not None:
        inputs = zip(program.texts(3), program.each(1), strict=False)
        said = ", ".join(f"{name}: {shape(each, layout=False)}" for name, each in inputs)
        given = f" ({said}) -> {shape(program.one(2), layout=False)}"
    yield ""
    yield f"{'ENTRY ' if is_entry else ''}%{computation.text(1)}{given} {{"
    for number in order:
        yield f"  {'ROOT ' if number == root else ''}{_instruction(instructions[number], called, names)}"
    thread = computation.text(8)
    yield f'}}, execution_thread="{thread}"' if thread and thread != "main" else "}"


def _instruction(each: Message, called: Mapping[int, str], names: Mapping[int, str]) -> str:
    opcode = each.text(2)
    if opcode == "parameter":
        inside = str(each.number(9))
    elif opcode == "constant":
        inside = literal(each.one(8))
    else:
        inside = listed(f"%{called.get(number, number)}" for number in each.numbers(36))
    more = "".join(f", {name}={value}" for name, value in _attributes(each, opcode, names))
    return f"%{each.text(1)} = {shape(each.one(3))} {opcode}({inside}){more}"


def _attributes(each: Message, opcode: str, names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    if opcode == "get-tuple-element":
        yield "index", str(each.number(13))
    if opcode == "iota":
        yield "iota_dimension", str(each.number(14) if 14 not in each else each.numbers(14)[0])
    elif 14 in each or opcode == "broadcast":
        yield "dimensions", _set(each.numbers(14))
    yield from _arithmetic(each)
    yield from _exchange(each)
    if 11 in each:
        yield "kind", each.text(11)
    yield from _calls(each, opcode, names)
    if 28 in each:
        yield "custom_call_target", json.dumps(each.text(28))
    yield from _metadata(each.one(7))
    config = each.raw(43).decode("utf-8", "replace")
    if config:
        plain = config.startswith("{") and "\n" not in config
        yield "backend_config", config if plain else json.dumps(config)


def _arithmetic(each: Message) -> Iterator[tuple[str, str]]:
    """What says how much is computed, and of which elements."""
    dot = each.one(30)
    if dot is not None:
        for name, field in (("lhs_batch_dims", 3), ("lhs_contracting_dims", 1), ("rhs_batch_dims", 4),
                            ("rhs_contracting_dims", 2)):  # fmt: skip
            if field in dot:
                yield name, _set(dot.numbers(field))
    if 17 in each:
        parts = [(part.number(1), part.number(2), part.number(3)) for part in each.each(17)]
        strided = any(part[2] != 1 for part in parts)
        yield "slice", "{" + ", ".join(f"[{a}:{b}{f':{c}' if strided else ''}]" for a, b, c in parts) + "}"
    if 20 in each:
        yield "dynamic_slice_sizes", _set(each.numbers(20))
    padding = each.one(21)
    if padding is not None:
        sides = [(p.number(1), p.number(2), p.number(3)) for p in padding.each(1)]
        yield "padding", "x".join(f"{a}_{b}{f'_{c}' if any(s[2] for s in sides) else ''}" for a, b, c in sides)
    yield from _window(each)
    for field, pairs in ((33, (("offset_dims", 1), ("collapsed_slice_dims", 2), ("start_index_map", 3))),
                         (48, (("update_window_dims", 1), ("inserted_window_dims", 2),
                               ("scatter_dims_to_operand_dims", 3)))):  # fmt: skip
        numbers = each.one(field)
        if numbers is not None:
            yield from ((name, _set(numbers.numbers(part))) for name, part in pairs)
            yield "index_vector_dim", str(numbers.number(4))
    if 34 in each:
        yield "slice_sizes", _set(each.numbers(34))
    if 63 in each:
        yield "direction", each.text(63)
    if 32 in each:
        yield "fft_length", _set(each.numbers(32))


def _window(each: Message) -> Iterator[tuple[str, str]]:
    window = each.one(15)
    sides = list(window.each(1)) if window is not None else []
    if sides:
        said = ["size=" + "x".join(str(side.number(1)) for side in sides)]
        for name, field in (("stride", 2), ("lhs_dilate", 6), ("rhs_dilate", 5)):
            if any(side.number(field) not in (0, 1) for side in sides):
                said.append(f"{name}=" + "x".join(str(side.number(field)) for side in sides))
        if any(side.number(3) or side.number(4) for side in sides):
            said.insert(2 if len(said) > 1 and said[1].startswith("stride") else 1,
                        "pad=" + "x".join(f"{side.number(3)}_{side.number(4)}" for side in sides))  # fmt: skip
        yield "window", "{" + " ".join(said) + "}"
    labels = each.one(16)
    if labels is not None:
        given = _labels(labels, ("b", 7), ("f", 8), 11) + "_" + _labels(labels, ("i", 3), ("o", 4), 6)
        yield "dim_labels", given + "->" + _labels(labels, ("b", 9), ("f", 10), 12)
    for name, field in (("feature_group_count", 50), ("batch_group_count", 58)):
        if each.number(field) > 1:
            yield name, str(each.number(field))


def _labels(message: Message, first: tuple[str, int], second: tuple[str, int], spatial: int) -> str:
    places = {message.number(first[1]): first[0], message.number(second[1]): second[0]}
    places |= {place: str(number) for number, place in enumerate(message.numbers(spatial))}
    return "".join(text for _, text in sorted(places.items()))


def _exchange(each: Message) -> Iterator[tuple[str, str]]:
    """Who exchanges with whom."""
    if each.number(26) > 0:
        yield "channel_id", str(each.number(26))
    groups = _groups(each)
    if groups:
        yield "replica_groups", groups
    if each.number(71):
        yield "use_global_device_ids", "true"
    if 52 in each:
        pairs = ((pair.number(1), pair.number(2)) for pair in each.each(52))
        yield "source_target_pairs", "{" + ",".join(f"{{{a},{b}}}" for a, b in pairs) + "}"


def _groups(each: Message) -> str | None:
    """The groups in one of their three forms: listed, as a count with an order, or as axes of a mesh."""
    of_mesh, given = each.one(93), each.one(87)
    mesh = of_mesh.one(1) if of_mesh is not None else None
    if of_mesh is not None and mesh is not None:
        sizes = [(axis.text(1), axis.number(2)) for axis in mesh.each(1)]
        used = list(of_mesh.each(2))
        # Parts of axes and devices in another order than that of their numbers are not read.
        if 2 in mesh or any(2 in axis or axis.number(1) >= len(sizes) for axis in used):
            return None
        axes = ",".join(f"'{name}'={size}" for name, size in sizes)
        names = ", ".join(f"'{sizes[axis.number(1)][0]}'" for axis in used)
        return f"mesh[{axes}] {{{names}}}"
    iota = given.one(2) if given is not None else None
    if iota is not None:
        turned = iota.numbers(4)
        order = f"T({','.join(map(str, turned))})" if len(turned) > 1 else ""
        sizes_of = ",".join(map(str, iota.numbers(3)))
        return f"[{iota.number(1)},{iota.number(2)}]<=[{sizes_of}]{order}"
    groups = [_set(group.numbers(1)) for group in (given.each(1) if given is not None else each.each(49))]
    return "{" + ",".join(groups) + "}" if groups else None


def _calls(each: Message, opcode: str, names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    called = [f"%{names.get(number, number)}" for number in each.numbers(38)]
    if not called:
        return
    if opcode == "while":
        yield from zip(("condition", "body"), called[1::-1], strict=False)
    elif opcode == "conditional":
        yield "branch_computations", f"{{{', '.join(called)}}}"
    elif opcode == "select-and-scatter":
        yield from zip(("select", "scatter"), called, strict=False)
    elif opcode in ("fusion", "async-start", "async-update", "async-done"):
        yield "calls", called[0]
    elif opcode == "custom-call":
        yield "called_computations", f"{{{', '.join(called)}}}"
    else:
        yield "to_apply", called[0]


def _metadata(held: Message | None) -> Iterator[tuple[str, str]]:
    said = []
    for name, field in (("op_type", 1), ("op_name", 2), ("source_file", 3)):
        if held is not None and held.text(field):
            said.append(f"{name}={json.dumps(held.text(field))}")
    for name, field in (("source_line", 4), ("stack_frame_id", 15)):
        if held is not None and held.number(field):
            said.append(f"{name}={held.number(field)}")
    if said:
        yield "metadata", "{" + " ".join(said) + "}"


def _set(numbers: list[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"
