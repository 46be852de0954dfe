"""What `make bench` measures: ratios, both sides of each measured side by side in one run.

Importing this package pins every library to one thread, so it has to come before NumPy and PyTorch.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_variable] = "1"
