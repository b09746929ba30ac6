import sys


def deeper(n):
    return deeper(n + 1)


print(sys.getrecursionlimit())
try:
    deeper(0)
except RecursionError as error:
    print(error)
