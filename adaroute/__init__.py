"Per-sample routing over what to read and whether outcomes share a head."
__version__ = "0.2.0"
__all__ = ["AdaRoute"]


def __getattr__(name):
    # Loaded when first asked for: scikit-learn takes most of a second, and the command line, the paper's driver
    # and whoever needs only the schema or the simulated cohorts should not wait for it.
    if name != "AdaRoute": raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .estimator import AdaRoute
    globals()[name] = AdaRoute
    return AdaRoute


def __dir__(): return sorted({*globals(), *__all__})
