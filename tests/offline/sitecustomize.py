"Found through PYTHONPATH by every Python that a test starts: see `offline_guard`."

import offline_guard  # noqa: F401
