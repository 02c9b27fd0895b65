"""Kernels built from source that can be measured, made fail and checked; scripts/build-kernel is the command.

Everything lies below ~/.cache/ipck/linux, one folder a source: `source` is a copy of it with our patches; beside that
lies a folder of objects for each machine and variant, with build.log in it.
"""
