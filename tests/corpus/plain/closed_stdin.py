# stdin: closed
import sys

print(sys.stdin)
try:
    input()
except (RuntimeError, EOFError) as error:
    print(type(error).__name__, error)
