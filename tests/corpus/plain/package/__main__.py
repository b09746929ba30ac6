# launch: -m package.__main__
# argv: -x 1
import sys

from . import relative

print(__name__, __package__, __spec__.name, relative.NAME, sys.argv[1:], __file__.rsplit("/", 2)[1:])
print(sys.path[0] == __file__.rsplit("/", 2)[0])
