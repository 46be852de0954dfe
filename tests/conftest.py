"""One BLAS thread, as the program itself has it: more sum in another order, and weights would differ.

And no test fails because the machine is slow.
"""

import os

from hypothesis import settings

from backprop_core.blas_threads import use_one_thread

use_one_thread(os.environ)
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
