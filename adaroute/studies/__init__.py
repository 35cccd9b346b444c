"Studies of length: how far a small transformer gets beyond the lengths it was trained on."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "coupling": ["Task", "register_task"],
        "lanes": ["LaneTraining", "Recipe", "answer_test"],
    },
)
