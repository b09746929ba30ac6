import warnings

warnings.warn("careful", stacklevel=1)
warnings.warn("old", DeprecationWarning, stacklevel=1)


def deep():
    warnings.warn("from the caller", UserWarning, stacklevel=2)


deep()
print(warnings.filters[0][:3])
