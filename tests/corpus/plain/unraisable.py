# normalise: 0x[0-9a-f]+
class Bad:
    def __del__(self):
        raise ValueError("in __del__")


bad = Bad()
del bad
print("goes on")
