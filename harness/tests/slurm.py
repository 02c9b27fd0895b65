"""A Slurm of our own: munged, slurmctld and slurmd in the foreground, one node, all files in one folder."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ipck.tree import ROOT

_DAEMONS = ("munged", "slurmctld", "slurmd")
_PATH = os.environ["PATH"] + ":/usr/sbin"
_PATIENCE = 60.0
_CONFIG = """\
ClusterName=ipck
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
KillWait=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
"""


class Slurm:
    """A cluster of one node with two slots; use as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Skips the test where there is no Slurm."""
        if lacking := [name for name in (*_DAEMONS, "sbatch") if not shutil.which(name, path=_PATH)]:
            pytest.skip(f"no {lacking[0]}: apt-get install slurm-wlm")
        self._folder = folder
        self._daemons: list["subprocess.Popen[bytes]"] = []
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        """What every command of Slurm needs to know."""

    def __enter__(self) -> "Slurm":
        folder = self._folder
        user = pwd.getpwuid(os.getuid()).pw_name
        host = socket.gethostname().partition(".")[0]
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            ports = [each.getsockname()[1] for each in (one, other)]
        (folder / "slurm.conf").write_text(_CONFIG.format(folder=folder, user=user, host=host, ports=ports))
        for name in ("state", "spool"):
            (folder / name).mkdir()
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o600)
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        options = [f"--{option}={folder / name}" for option, name in (files | {"seed-file": "munged.seed"}).items()]
        try:
            self._start("munged", "--foreground", *options)
            self.until(lambda: (folder / "munge.socket").exists())
            self._start("slurmctld", "-D")
            self._start("slurmd", "-D")
            self.until(lambda: self.run("sinfo", "-h", "-o", "%T").strip() == "idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if len(self._daemons) == len(_DAEMONS):
            self.run("scancel", "--user", str(os.getuid()))
            self.until(lambda: not self.queue())
        for daemon in reversed(self._daemons):
            daemon.terminate()
            daemon.wait()

    def run(self, *command: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | self.environment, capture_output=True, text=True, timeout=_PATIENCE
        )
        return done.stdout

    def queue(self) -> str:
        """The tasks that wait or run."""
        return self.run("squeue", "-h", "-r", "-o", "%i %t")

    def until(self, happens: Callable[[], object]) -> None:
        """Wait until it HAPPENS."""
        end = time.monotonic() + _PATIENCE
        while not happens():
            if any(daemon.poll() is not None for daemon in self._daemons):
                pytest.fail(f"one of the daemons has ended: {self.said()}")
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)

    def said(self) -> str:
        """What the daemons have written down."""
        return "\n".join(path.read_text()[-2000:] for path in self._folder.glob("*.log"))

    def _start(self, name: str, *options: str) -> None:
        program = shutil.which(name, path=_PATH)
        with (self._folder / f"{name}.out.log").open("wb") as out:
            self._daemons.append(
                subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", str(program), *options],
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            )
