# stdin: ""
input("anything? ")
