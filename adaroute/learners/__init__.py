"Learning in closed form: a mixture of Bayesian ridge regressions, a gate that climbs its likelihood, and a guard."
