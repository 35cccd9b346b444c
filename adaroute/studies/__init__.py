"Studies of length: what lets a small transformer go beyond the lengths it was trained on."

__all__ = ["Recipe", "LaneTraining", "Task", "register_task", "answer_test"]
_HOMES = {"Task": "coupling", "register_task": "coupling"}


def __getattr__(name):
    # Loaded when first asked for, as torch takes a second or two.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES.get(name, 'lanes')}", __name__), name)
