print("\udce9")
