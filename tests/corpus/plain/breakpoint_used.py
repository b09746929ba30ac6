# stdin: "p value\nn\np value\nc\n"
# normalise: (?m)^\(Pdb\) --Return--$
value = 1
breakpoint()
value = 2
print("done", value)
