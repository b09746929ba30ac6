import sys

for number in range(60_000):
    print(f"line {number:06d} of many, long enough to fill a pipe's buffer again and again")
    if number % 1000 == 0:
        print("progress", number, file=sys.stderr)
