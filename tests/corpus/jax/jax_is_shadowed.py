# captured: none
import sys
import types

sys.modules["jax"] = types.ModuleType("jax")
import jax  # noqa: E402

print(jax.__dict__.get("jit"), hasattr(jax, "numpy"))
