"Worlds of other make: cohorts that our generator did not plant, each with its best possible prediction."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "families": ["FAMILIES", "make_world", "register_family", "require_purpose", "world_seeds"],
    },
)
