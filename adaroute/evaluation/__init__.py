"Evaluation: scores with intervals, headroom, and a verdict that can be trusted."

import lazy_loader as lazy

# `metrics` is the module; its function of the same name is `adaroute.evaluation.metrics.metrics`.
__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submodules={"metrics"},
    submod_attrs={
        "comparison": ["compare_out_of_fold"],
        "headroom": ["headroom_report"],
        "interventions": ["knock_out", "route_stability"],
        "metrics": ["metric_intervals", "score"],
        "verdict": ["claims_help", "no_regret"],
    },
)
