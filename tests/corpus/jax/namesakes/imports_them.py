# captured: <lambda>
import importlib
import sys

import jax
import protocol
import xlascope

print(xlascope.NAME, protocol.NAME, hasattr(xlascope, "__path__"))
importlib.reload(xlascope)
twice = jax.jit(lambda x: x * 2)
print(twice(21))
print(sorted(name for name in sys.modules if name.startswith("xlascope")))
