"Files from the clinic: SPSS, Stata, SAS, R, Excel, REDCap, Qualtrics, NDA, BIDS, FHIR and RTF."

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "codebook": ["Codebook", "Column", "Export", "read_codebook", "write_codebook"],
        "exports": ["read_export"],
        "scales": ["score_scale"],
    },
)
