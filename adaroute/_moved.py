"Old names of modules, which warn for one version (0.2) before they go."

from importlib import import_module
from warnings import warn


def moved_module(old: str, new: str):
    "The `__getattr__` of a module that moved: names are looked up in its new place."

    def look_up(name: str):
        if name.startswith("__"):
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        found = getattr(import_module(new), name)
        warn(f"{old} is now {new}; the old name goes in 0.3", FutureWarning, stacklevel=2)
        return found

    return look_up
