"""ipck: does an implementation of System V IPC and POSIX IPC keep its promises?"""
