"Report: figures, and the page that explains a model."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "document": ["write_report"],
        "style": ["savefig", "style"],
    },
)
