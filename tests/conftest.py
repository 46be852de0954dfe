"""One BLAS thread, as the program itself has it: more sum in another order, and weights would differ."""

import os

from backprop_core.blas_threads import use_one_thread

use_one_thread(os.environ)
