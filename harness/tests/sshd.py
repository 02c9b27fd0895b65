"""An sshd of our own on loopback, with private keys and users; nothing of the machine's own is used or changed."""

import getpass
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
ROOT = os.getuid() == 0
USER = "ipck-guest"
"""An ordinary user that this sshd knows, when it runs as root."""

_SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
ForceCommand exec sh -c '. {folder}/rc; eval "$SSH_ORIGINAL_COMMAND"'
"""
_CLIENT = """\
Host refused
  IdentityFile {folder}/host
Host !refused *
  IdentityFile {folder}/user
Host closed
  Port {closed}
Host *
  HostName 127.0.0.1
  Port {port}
  User {me}
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
"""
_PRIVATE = """\
mount -t tmpfs tmpfs /run && mkdir /run/sshd &&
mount -t tmpfs -o noexec,size=1m,mode=1777 tmpfs {folder}/noexec &&
mount -t tmpfs -o size=16k,mode=1777 tmpfs {folder}/small &&
mount --bind {folder}/noexec /var/tmp &&
mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/shadow /etc/shadow && exec "$@"
"""
"""As root sshd wants a folder in /run and a user, and looks for users in /etc: it gets its own."""


@dataclass(frozen=True)
class Sshd:
    """A running sshd."""

    folder: Path
    process: "subprocess.Popen[str]"
    me: str  # the user that it knows beside USER
    closed: int  # a port where nobody listens

    def rc(self, text: str) -> None:
        """What each session over there executes first."""
        (self.folder / "rc").write_text(text)

    def stop(self) -> None:
        """End it; sessions have ended with their connections."""
        self.process.kill()
        self.process.wait()


def start(folder: Path) -> Sshd:
    """Start it; the test is skipped where that cannot be. An ssh that goes there is in FOLDER/bin."""
    if not SSHD or not shutil.which("ssh"):
        pytest.skip("no sshd: apt-get install openssh-server")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        port, closed = one.getsockname()[1], other.getsockname()[1]
    names = {"folder": folder, "port": port, "closed": closed, "me": getpass.getuser()}
    (folder / "server").write_text(_SERVER.format_map(names))
    (folder / "client").write_text(_CLIENT.format_map(names))
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "passwd").write_text(
        f"root:x:0:0::{folder}:/bin/sh\n{USER}:x:4711:4711::{folder}:/bin/sh\nsshd:x:4712:4712::/run/sshd:/bin/false\n"
    )
    (folder / "shadow").write_text(f"root:*:1::::::\n{USER}:*:1::::::\n")
    for name in ("noexec", "small", "bin"):
        (folder / name).mkdir()
    (folder / "rc").touch()
    ssh = folder / "bin/ssh"
    ssh.write_text(f"#!/bin/sh\necho $$ >{folder}/ssh.pid\nexec {shutil.which('ssh')} -F {folder}/client \"$@\"\n")
    ssh.chmod(0o755)
    folder.chmod(0o755)
    command = [SSHD, "-D", "-e", "-f", str(folder / "server")]
    if ROOT:
        command = ["unshare", "-m", "sh", "-c", _PRIVATE.format_map(names), "sh", *command]
    command = ["setpriv", "--pdeathsig", "KILL", *command]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    said = process.stderr.readline()
    if "listening" not in said:
        process.kill()
        pytest.skip(f"sshd does not start: {said}{process.stderr.read()}")
    Thread(target=process.stderr.read, daemon=True).start()
    return Sshd(folder, process, getpass.getuser(), closed)
