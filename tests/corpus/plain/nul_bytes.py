# pty: also
import sys

sys.stdout.write("a\0b\0\0c\n")
sys.stdout.buffer.write(bytes(byte for byte in range(256) if byte not in (3, 4, 10, 13, 17, 19, 26, 28)))
