# captured: f
import sys

import jax

names = []


def watch(frame, event, arg):
    if event == "call" and frame.f_code.co_filename == __file__:
        names.append(frame.f_code.co_name)


@jax.jit
def f(x):
    return helper(x)


def helper(x):
    return x + 1


sys.setprofile(watch)
f(1.0)
f(2.0)
sys.setprofile(None)
print(names)
