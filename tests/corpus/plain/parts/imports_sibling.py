import sibling_module

print(sibling_module.VALUE, sibling_module.__name__, sibling_module.main_name())
