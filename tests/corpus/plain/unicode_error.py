# env: PYTHONIOENCODING=ascii
print("caf\u00e9")
