"""A SLURM of its own on this machine: daemons started by hand, as root, without systemd, and ended afterwards.

A node is a `slurmd` on a port of its own. slurm.conf must lie in /etc/slurm, since the executor's inner `srun` drops
SLURM_CONF; a file that lies there already belongs to somebody and is left alone. There is no accounting (no slurmdbd):
states are those of squeue, which keeps finished jobs for an hour here.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
PACKAGES = "munge slurmctld slurmd slurm-client"
CONFIGURATION = Path("/etc/slurm/slurm.conf")
NODES = ("n1", "n2")
CPUS, MEMORY = 2, 9000
PATIENCE = 60.0
STEP = re.compile(r"slurmstepd: \[(\d+)\.")

_HEAD = """\
# A test's cluster on one machine; deleted when the test ends.
ClusterName=quorum
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SlurmdTimeout=10
KillWait=2
MinJobAge=3600
ReturnToService=2
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/%n
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
_NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={memory}\n"


@dataclass(frozen=True)
class Job:
    """A job as squeue tells it: its id, state, node, and the rule or group (with wildcards) that it runs."""

    id: int
    state: str
    node: str
    work: str


@dataclass
class Cluster:
    """A cluster that is up; `folder` holds its configuration, state and logs."""

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def jobs(self) -> list[Job]:
        """All jobs since the cluster is up, oldest first."""
        listed = _said("squeue", "--noheader", "--states=all", "--array", "--format=%A|%T|%N|%k").splitlines()
        rows = [line.split("|", 3) for line in listed]
        return sorted((Job(int(row[0]), *row[1:]) for row in rows), key=lambda job: job.id)

    def cancel(self, job: Job) -> None:
        """Cancels the job, as its user or an administrator would."""
        _said("scancel", str(job.id))

    def cut_power(self, node: str) -> None:
        """Ends a node without a word to anybody: its daemon, and all processes of the jobs that ran there."""
        on_node = {job.id for job in self.jobs() if job.node == node and job.state == "RUNNING"}
        daemon = self.daemons.pop(node)
        _kill([psutil.Process(daemon.pid), *_of_jobs(on_node)])
        daemon.wait()

    def boot(self, node: str) -> None:
        """Starts the node's daemon and waits until the node takes jobs."""
        self.daemons[node] = _daemon("slurmd", "-D", "-N", node)
        _until(
            lambda: _said("sinfo", "--noheader", f"--nodes={node}", "--format=%T").strip() in ("idle", "mixed"), node
        )

    def log(self, but: Container[int] = ()) -> str:
        """Ids, states, nodes and work of the jobs, one line each, without some of them."""
        return "".join(
            f"{job.id:5} {job.state:10} {job.node:4} {job.work}\n" for job in self.jobs() if job.id not in but
        )


def absent() -> str:
    """Why no cluster can be brought up here; empty if it can."""
    missing = [program for program in PROGRAMS if not shutil.which(program, path=_path())]
    if missing:
        return f"no {missing[0]}: apt-get install --no-install-recommends {PACKAGES}"
    if os.geteuid() != 0:
        return "SLURM's daemons want to be started by root"
    if CONFIGURATION.exists():
        return f"{CONFIGURATION} is there: this machine belongs to a cluster already"
    return ""


@contextmanager
def up() -> Iterator[Cluster]:
    """A cluster of two nodes, torn down at the end with all that still runs on it."""
    # Readable by everybody, as munge demands of the way to its socket; folders of pytest are not.
    folder = Path(tempfile.mkdtemp(prefix="quorum-slurm-"))
    folder.chmod(0o755)
    cluster = Cluster(folder)
    host, ports = socket.gethostname(), _free_ports(1 + len(NODES))
    nodes = [
        _NODE.format(name=name, host=host, port=port, cpus=CPUS, memory=MEMORY)
        for name, port in zip(NODES, ports[1:], strict=True)
    ]
    try:
        (folder / "state").mkdir()
        for node in NODES:
            (folder / node).mkdir()
        CONFIGURATION.parent.mkdir(exist_ok=True)
        with CONFIGURATION.open("x", encoding="utf-8") as file:
            file.write(_HEAD.format(host=host, port=ports[0], folder=folder) + "".join(nodes))
        cluster.daemons["munge"] = _munge(folder)
        cluster.daemons["controller"] = _daemon("slurmctld", "-D")
        _until(lambda: "is UP" in _said("scontrol", "ping"), "slurmctld")
        for node in NODES:
            cluster.boot(node)
        yield cluster
    finally:
        _tear_down(cluster)


def _munge(folder: Path) -> subprocess.Popen[bytes]:
    """The daemon that signs messages between the others, with a key of its own."""
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    paths = {"socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log", "seed-file": "munge.seed"}
    arguments = [f"--{name}={folder / file}" for name, file in paths.items()]
    daemon = _daemon("munged", "--foreground", f"--key-file={key}", *arguments)
    _until((folder / "munge.socket").exists, "munged")
    return daemon


def _tear_down(cluster: Cluster) -> None:
    if "controller" in cluster.daemons:
        _kill(_of_jobs({job.id for job in cluster.jobs()}))
    for daemon in reversed(list(cluster.daemons.values())):
        daemon.terminate()
    for daemon in cluster.daemons.values():
        try:
            daemon.wait(timeout=10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    if CONFIGURATION.exists() and str(cluster.folder) in CONFIGURATION.read_text(encoding="utf-8"):
        CONFIGURATION.unlink()
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _of_jobs(ids: Iterable[int]) -> list[psutil.Process]:
    """The supervisors (`slurmstepd`) of the jobs, and all that descends from them."""
    wanted, found = set(ids), []
    for process in psutil.process_iter(["cmdline"]):
        step = STEP.match(" ".join(process.info["cmdline"] or ()))
        if step and int(step[1]) in wanted:
            found += [process, *process.children(recursive=True)]
    return found


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _daemon(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [shutil.which(program, path=_path()) or program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _path() -> str:
    """Daemons lie where not everybody looks."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=PATIENCE).stdout


def _until(fulfilled: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not fulfilled():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} is not up after {PATIENCE:.0f} s")
        time.sleep(0.2)


def _free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
