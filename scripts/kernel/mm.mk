
# Coverage of what System V and POSIX shared memory use of this directory.
GCOV_PROFILE_shmem.o := y
