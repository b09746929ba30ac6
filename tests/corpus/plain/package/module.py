# launch: -m package.module
import sys

from package.relative import NAME

print(__name__, __package__, __spec__.name, NAME, sys.argv[0] == __file__)
raise RuntimeError("from a module")
