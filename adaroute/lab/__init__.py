"Lab: the paper, the jobs behind it, and the trials of every promise."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "jobs": ["run_jobs"],
        "paper": ["read_result", "write_result"],
    },
)
