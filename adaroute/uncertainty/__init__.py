"Uncertainty: intervals and sets that keep their promise."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "conformal": ["Calibration", "Cells", "calibrate", "cross_calibrate"],
        "coverage": ["coverage_table", "defer_curve"],
        "distribution": ["predict_distribution"],
    },
)
