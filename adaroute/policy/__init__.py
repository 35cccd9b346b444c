"Policy: routes that a clinician can read."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "attribution": ["deletion_test", "moved_by"],
        "cards": [
            "error_by",
            "route_agreement",
            "route_card",
            "route_map",
            "route_usage",
            "usage_by",
            "wanted_evidence",
        ],
        "reading_cost": ["predict_thriftily", "train_gate"],
        "rules": ["surrogate_tree"],
    },
)
