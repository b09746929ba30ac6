# not a script
import sys

VALUE = "from beside"


def main_name():
    return sys.modules["__main__"].__spec__
