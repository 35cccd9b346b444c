"Evaluation: scores with intervals, headroom, and a verdict that can be trusted."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "comparison": ["compare_out_of_fold"],
        "headroom": ["headroom_report"],
        "interventions": ["knock_out", "route_stability"],
        "metrics": ["metric_intervals", "metrics", "score"],
        "verdict": ["claims_help", "no_regret"],
    },
)
