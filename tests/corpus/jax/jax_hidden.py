# captured: none
import sys

sys.modules["jax"] = None
try:
    import jax
except ImportError as error:
    print(error)
