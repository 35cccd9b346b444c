"Rivals: what routing must beat, on the same rows and features."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "baselines": [
            "BoostingBaseline",
            "ConstantBaseline",
            "RidgeBaseline",
            "WideNetwork",
        ],
        "controls": ["make_control"],
        "modern": ["CatBoostBaseline", "LightGBMBaseline"],
        "multitask": ["MultitaskNetwork"],
        "stacking": ["Combined", "CornerPool"],
    },
)
