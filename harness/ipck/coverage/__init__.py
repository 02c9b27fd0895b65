"""Coverage of what is under test, when it was built with gcov: a kernel, or a C library."""
