print("with a byte order mark")
print("and CRLF")
