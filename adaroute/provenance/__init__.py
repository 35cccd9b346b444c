"Provenance: who can check what a model was trained on."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "commitment": [
            "check_inclusion",
            "commit_records",
            "inclusion_proof",
            "new_key",
        ],
        "ledger": ["Ledger"],
        "plan": ["Nonce", "Plan", "file_plan"],
        "transcript": ["fit_under_plan"],
        "verify": ["verify_run"],
    },
)
