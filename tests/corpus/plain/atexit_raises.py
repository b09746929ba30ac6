# normalise: 0x[0-9a-f]+
import atexit


@atexit.register
def fails():
    raise ValueError("in a hook")


print("end of script")
