# stdin: "\x00\x01binary\xff" * 20000
import hashlib
import sys

data = sys.stdin.buffer.read()
print(len(data), hashlib.sha256(data).hexdigest())
