def inner(value):
    return {"a": 1}[value]


def outer():
    return [inner(name) for name in ("a", "b")]


print("before")
outer()
