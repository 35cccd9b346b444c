"Features: a note becomes words, words become axes, numbers become columns."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "encoder": ["Encoder", "Features"],
    },
)
