import atexit
import threading
import weakref

atexit.register(print, "registered first, runs last")
atexit.register(print, "registered second")
threading._register_atexit(print, "threading's own hook")


class Thing:
    pass


thing = Thing()
weakref.finalize(thing, print, "finalizer")
print("end of script")
