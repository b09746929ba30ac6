# pty: also
import os
import sys

sys.stdout.buffer.write(b"caf\xe9 \xff\xfe \xc3( \xed\xa0\x80 end\n")
sys.stdout.flush()
os.write(2, b"error \x80\x81\n")
