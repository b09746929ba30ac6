"""The engine's first file: ``PYTHON boot.py CONFIG`` in any Python 3.11 to 3.13, with nothing of ours installed.

It makes our package importable as ``_xlascope`` without touching ``sys.path``, reads CONFIG (a JSON object, see
ARCHITECTURE.md) and hands over to the recorder or the lab. The last statement is written so that a recorded script
runs with one frame below it, this module's, which it cannot see (`recorder/boot_frame.py`), and with this module's
emptied namespace as its ``__main__``.
Nothing may keep a function of this file: its globals are the script's.
"""


def _prepare():
    import sys

    before = set(sys.modules)
    import importlib.util
    import json
    import os

    engine = os.path.dirname(os.path.abspath(__file__))
    if not sys.flags.safe_path and sys.path and sys.path[0] == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]
    root = os.path.dirname(engine)
    name = "_xlascope"  # not `xlascope`: a module of that name is the script's own affair
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(root, "__init__.py"), submodule_search_locations=[root]
    )
    assert spec is not None and spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    config = json.loads(sys.argv[1])
    if config.get("argv") is None:
        config["argv"] = sys.argv[2:]
    if config["role"] == "lab":
        importlib.import_module(name + ".engine.lend").lend(config.get("lend") or {})
        return None, (importlib.import_module(name + ".engine.lab").serve, [config])
    return importlib.import_module(name + ".engine.recorder").prepare(config, os.path.abspath(__file__), before)


class _Launch:
    """Prepares in the head of the ``with`` below; its exit is told how the script ended."""

    def __init__(self):
        self.guard, self.plan = _prepare()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return self.guard.leave(kind, error) if self.guard is not None else None

    def start(self):
        if self.guard is not None:
            self.guard.clear_main()
        plan, self.plan = self.plan, None  # which is to be freed as soon as it was run
        return plan


# `map` calls its function without a Python frame, and no name is looked up here once the namespace is the script's.
if __name__ == "__main__":
    with _Launch() as _launch:
        next(map(*_launch.start()))
