"A saved model that predicts without torch."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "answers": ["bound_rows", "describe_rows", "read_rows"],
        "graph": ["export_graph"],
        "plain": ["PlainModel", "load_plain"],
    },
)
