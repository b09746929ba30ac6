"""Nothing heavy is imported before the script asks for it."""

import sys

heavy = ("jax", "jaxlib", "numpy", "textual", "rich", "plotext", "google.protobuf", "flatbuffers", "sqlite3", "asyncio")
print([name for name in heavy if name in sys.modules])
