# stdin: "Ada\n42\nthe rest of it\n"
# pty: also
import sys

name = input("name? ")
age = int(input("age? "))
print(f"hello {name}, {age}")
print("more? ", end="", flush=True)
print(repr(sys.stdin.read(15)))
