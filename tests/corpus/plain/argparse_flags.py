# argv: --json -o out.txt --python x -m mod --args none "two words" "" -- --help
import argparse
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--json", action="store_true")
parser.add_argument("-o", "--output")
parser.add_argument("--python")
parser.add_argument("-m", "--module")
parser.add_argument("--args")
parser.add_argument("rest", nargs="*")
print(vars(parser.parse_args()))
print(sys.argv[1:])
