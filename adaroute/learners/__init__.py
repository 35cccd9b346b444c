"Learning in closed form: a mixture of Bayesian ridge regressions, a gate that climbs its likelihood, and a guard."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "closed_form": ["fit_closed_form"],
        "guard": ["guard_routes"],
        "larger": ["fit_streamed"],
        "mixture": ["Cases", "Mixture"],
        "schedule": ["Schedule", "learn_best"],
    },
)
