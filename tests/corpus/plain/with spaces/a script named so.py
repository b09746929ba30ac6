import sys

print(__file__.rsplit("/", 2)[1:], sys.argv[0] == __file__)
