"Moved to `adaroute.uncertainty.coverage`; this old name goes in 0.3."

from adaroute._moved import moved_module

__getattr__ = moved_module(__name__, "adaroute.uncertainty.coverage")
