"""Objects of the script's globals are finalised after it ended."""


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone:", self.name, flush=True)


kept = Noisy("global")
Noisy("temporary")
