# stdin: "Ada\n42\nrest of it\nand more\n"
# pty: also
import sys

name = input("name? ")
age = int(input("age? "))
print(f"hello {name}, {age}")
print(repr(sys.stdin.read(15)))
