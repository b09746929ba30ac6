import inspect
import sys


def shown(a, b):
    # this comment is part of the source
    return a + b


print(inspect.getsource(shown), end="")
print(inspect.getsourcefile(shown) == __file__, inspect.getmodule(shown) is sys.modules["__main__"])
print(inspect.getsource(sys.modules["__main__"]).splitlines()[0])
