"Moved to `adaroute.report.policy_figures`; this old name goes in 0.3."

from adaroute._moved import moved_module

__getattr__ = moved_module(__name__, "adaroute.report.policy_figures")
