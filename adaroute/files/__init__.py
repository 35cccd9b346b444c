"Files from the clinic: SPSS, Stata, SAS, R, Excel, REDCap, Qualtrics, NDA, BIDS, FHIR and RTF."
from importlib import import_module

WHERE = {
    "Column": "codebook",
    "Codebook": "codebook",
    "Export": "codebook",
    "read_codebook": "codebook",
    "write_codebook": "codebook",
    "read_export": "exports",
    "score_scale": "scales",
}
__all__ = list(WHERE)


def __getattr__(name):
    # Loaded when first asked for, so that the command line need not wait for it.
    if name not in WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(import_module(f"{__name__}.{WHERE[name]}"), name)
    return globals()[name]


def __dir__():
    return sorted({*globals(), *__all__})
