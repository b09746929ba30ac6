# pty: also
import sys

for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.name, stream.encoding, stream.errors, stream.line_buffering, stream.isatty(), stream.fileno())
sys.stdout.write("no newline, ")
sys.stderr.write("on stderr\n")
sys.stdout.write("then the rest\n")
print(sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__, type(sys.stdout).__name__)
