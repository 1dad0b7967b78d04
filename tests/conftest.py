"""What every test shares: caches that belong to the suite alone.

Tests import kernels from many modules and compile them for types of their own, outside the lock
under which the program fills its kernel cache and notes its checksums.  In the cache of the person
who runs them, the program would take what they added for damage.  Each checkout has its own.
"""

import os
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]

# Here and not in a fixture: numba fixes the folder when a kernel's module is imported.
os.environ["SPARK_CACHE_DIR"] = str(
    Path(os.environ.get("SPARK_CACHE_DIR") or CHECKOUT / ".pytest_cache") / "spark-tui-tests"
)
