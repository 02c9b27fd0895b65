
# Coverage of this directory: the kernels that count it are built with CONFIG_GCOV_KERNEL.
GCOV_PROFILE := y
ccflags-$(CONFIG_GCOV_KERNEL) += $(IPCK_IPC_CFLAGS)
