"""XSpace and HloProto as protobuf classes, built at run time: the independent reader and writer of the tests."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int64": _F.TYPE_INT64,
    "uint64": _F.TYPE_UINT64,
    "double": _F.TYPE_DOUBLE,
    "string": _F.TYPE_STRING,
    "bytes": _F.TYPE_BYTES,
}
# message -> (field, number, type, repeated); a capital first letter is a message of this file
_MESSAGES: dict[str, list[tuple[str, int, str, bool]]] = {
    "XStat": [
        ("metadata_id", 1, "int64", False),
        ("double_value", 2, "double", False),
        ("uint64_value", 3, "uint64", False),
        ("int64_value", 4, "int64", False),
        ("str_value", 5, "string", False),
        ("bytes_value", 6, "bytes", False),
        ("ref_value", 7, "uint64", False),
    ],
    "XEvent": [
        ("metadata_id", 1, "int64", False),
        ("offset_ps", 2, "int64", False),
        ("duration_ps", 3, "int64", False),
        ("stats", 4, "XStat", True),
        ("num_occurrences", 5, "int64", False),
    ],
    "XLine": [
        ("id", 1, "int64", False),
        ("name", 2, "string", False),
        ("timestamp_ns", 3, "int64", False),
        ("events", 4, "XEvent", True),
        ("duration_ps", 9, "int64", False),
        ("display_id", 10, "int64", False),
        ("display_name", 11, "string", False),
    ],
    "XEventMetadata": [
        ("id", 1, "int64", False),
        ("name", 2, "string", False),
        ("metadata", 3, "bytes", False),
        ("display_name", 4, "string", False),
        ("stats", 5, "XStat", True),
        ("child_id", 6, "int64", True),
    ],
    "XStatMetadata": [("id", 1, "int64", False), ("name", 2, "string", False), ("description", 3, "string", False)],
    # map fields are, on the wire, repeated messages of key and value
    "EventMetadataEntry": [("key", 1, "int64", False), ("value", 2, "XEventMetadata", False)],
    "StatMetadataEntry": [("key", 1, "int64", False), ("value", 2, "XStatMetadata", False)],
    "XPlane": [
        ("id", 1, "int64", False),
        ("name", 2, "string", False),
        ("lines", 3, "XLine", True),
        ("event_metadata", 4, "EventMetadataEntry", True),
        ("stat_metadata", 5, "StatMetadataEntry", True),
        ("stats", 6, "XStat", True),
    ],
    "XSpace": [
        ("planes", 1, "XPlane", True),
        ("errors", 2, "string", True),
        ("warnings", 3, "string", True),
        ("hostnames", 4, "string", True),
    ],
    "HloInstruction": [
        ("name", 1, "string", False),
        ("opcode", 2, "string", False),
        ("called_computation_ids", 38, "int64", True),
    ],
    "HloComputation": [
        ("name", 1, "string", False),
        ("instructions", 2, "HloInstruction", True),
        ("id", 5, "int64", False),
    ],
    "HloModule": [
        ("name", 1, "string", False),
        ("computations", 3, "HloComputation", True),
        ("id", 5, "int64", False),
    ],
    "HloProto": [("hlo_module", 1, "HloModule", False)],
}


def _build() -> tuple[type, type]:
    file = descriptor_pb2.FileDescriptorProto(name="xspace_test.proto", package="xspace_test", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            label = _F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL
            if kind in _SCALARS:
                message.field.add(name=field, number=number, type=_SCALARS[kind], label=label)
            else:
                message.field.add(
                    name=field, number=number, type=_F.TYPE_MESSAGE, type_name=f".xspace_test.{kind}", label=label
                )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = ("xspace_test.XSpace", "xspace_test.HloProto")
    space, hlo = (message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names)
    return space, hlo


XSpace, HloProto = _build()
