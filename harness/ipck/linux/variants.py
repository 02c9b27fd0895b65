"""What can be built: machines and variants."""

from dataclasses import dataclass

MACHINES: dict[str, "Machine"] = {}
VARIANTS: dict[str, "Variant"] = {}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the kernel runs on."""

    name: str
    architecture: str  # ARCH= of the kernel's Makefile
    goal: str
    image: str  # where it lies among the objects
    words: tuple[str, ...] = ()  # more for make

    @property
    def fragments(self) -> tuple[str, ...]:
        """What of its configuration is its own: names of fragments in scripts/kernel."""
        return tuple(dict.fromkeys((self.architecture, self.name)))


@dataclass(frozen=True, slots=True)
class Variant:
    """What the kernel has beside what all have: names of fragments in scripts/kernel."""

    name: str
    words: str
    fragments: tuple[str, ...] = ()
    flags: str = ""  # for the compiler, in ipc/, where coverage is counted

    @property
    def measures(self) -> bool:
        """Whether it counts coverage."""
        return "gcov" in self.fragments


for _machine in (
    Machine("um", "um", "linux", "linux"),
    Machine("um-i386", "um", "linux", "linux", ("SUBARCH=i386",)),
    Machine("x86_64", "x86_64", "bzImage", "arch/x86/boot/bzImage"),
):
    MACHINES[_machine.name] = _machine
for _variant in (
    Variant("plain", "nothing but what every kernel has that is built here"),
    Variant("gcov", "coverage of ipc/ (-O1 -fno-inline: by line), and faults", ("fault", "gcov"), "-O1 -fno-inline"),
    Variant("gcov-O2", "the same compiled as usual: inlined functions are lost in their callers", ("fault", "gcov")),
    Variant("check", "KASAN, lockdep, kmemleak, UBSAN and other checkers, and faults", ("fault", "check")),
):
    VARIANTS[_variant.name] = _variant
