#!/usr/bin/env python3
"""Compares this crate with other tools that find similar bit vectors: same CLKs, same CPU, taking turns.

Needs Python 3.9 or later, nothing else; README.md says the rest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any, Optional

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
CLK_BYTES = 128
# clkhash and anonlink have no wheels for later ones.
PYTHON = "3.11"
KERNELS = ["avx512", "avx2", "neon", "portable"]
TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    python: str = PYTHON
    requirements: str = ""


PEERS = [
    Peer("anonlink", "anonlink"),
    Peer("chemfp", "chemfp", "2.7"),
    Peer("fpsim2", "FPSim2"),
    Peer("faiss", "FAISS"),
    Peer("numkong", "NumKong"),
    Peer("simsimd", "SimSIMD"),
    Peer("usearch", "USearch"),
    Peer("numpy", "numpy bitwise_count", requirements="base"),
    Peer("sgemm", "numpy sgemm", requirements="base"),
    Peer("rdkit", "RDKit"),
    Peer("duckdb", "DuckDB"),
]


class Failed(Exception):
    """Something that the report says; the rest goes on."""


class Failures:
    """What could not be run, and why."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    @contextmanager
    def of(self, name: str, title: str) -> Iterator[None]:
        try:
            yield
        except Failed as failed:
            self.said[name] = f"{title}: {failed}"
            say(self.said[name])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def output_of(command: list[str], **options: Any) -> str:
    """What a command writes; its last words if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no words").splitlines()
        raise Failed(f"{Path(command[0]).name} failed: {words[-1]}")
    return done.stdout


class Environments:
    """One virtual environment for each Python, and what is installed in it."""

    def __init__(self, folder: Path, pythons: list[str]) -> None:
        self.folder = folder
        self.pythons = pythons

    def interpreter(self, version: str) -> str:
        name = f"python{version}"
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        candidates = [*self.pythons, shutil.which(name), sys.executable]
        candidates += sorted(str(path) for path in pyenv.glob(f"{version}*/bin/{name}"))
        for candidate in filter(None, candidates):
            try:
                found = output_of([candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
            except Failed:
                continue
            if found.strip() == version:
                return candidate
        raise Failed(f"no Python {version} found; --python PATH names one")

    def python(self, version: str) -> Path:
        return self.folder / f"py{version}" / "bin" / "python"

    def install(self, version: str, requirements: str) -> None:
        wanted = HERE / "requirements" / f"{requirements}.txt"
        constraints = HERE / "requirements" / "constraints.txt"
        python = self.python(version)
        if not python.exists():
            self.create(version)
        stamp = self.folder / f"py{version}" / f"{requirements}.installed"
        content = wanted.read_text(encoding="utf-8") + constraints.read_text(encoding="utf-8")
        if stamp.exists() and stamp.read_text(encoding="utf-8") == content:
            return
        say(f"installing {requirements} for Python {version}")
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            str(wanted),
        ]
        if version == PYTHON:
            command += ["-c", str(constraints)]
        output_of(command)
        stamp.write_text(content, encoding="utf-8")

    def create(self, version: str) -> None:
        interpreter, folder = self.interpreter(version), str(self.folder / f"py{version}")
        say(f"making an environment for Python {version}")
        if version.startswith("2."):
            output_of([str(self.python(PYTHON)), "-m", "virtualenv", "--quiet", "-p", interpreter, folder])
        else:
            output_of([interpreter, "-m", "venv", folder])


def one_thread() -> dict[str, str]:
    names = ["OMP", "OPENBLAS", "MKL", "NUMEXPR", "RAYON", "VECLIB_MAXIMUM"]
    return {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in names}}


class Adapter:
    """A peer in a process of its own, which has the data and waits for requests."""

    def __init__(self, peer: Peer, python: Path, data: Path, logs: Path) -> None:
        self.name, self.title = peer.name, peer.title
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"{peer.name}.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [str(python), str(HERE / "adapters" / f"peer_{peer.name}.py"), str(data)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=one_thread(),
            )
        ready = self.answer()
        self.version, self.note = ready["version"], ready["note"]
        self.prepare_seconds = ready["prepare_seconds"]

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        timer = threading.Timer(TIMEOUT_SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            self.process.wait()
            words = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Failed(words[-1] if words else f"ended with code {self.process.returncode}")
        return json.loads(line)

    def search(self, threshold: str, pairs: Optional[Path]) -> dict[str, Any]:
        fraction = Fraction(threshold)
        request = {
            "numerator": fraction.numerator,
            "denominator": fraction.denominator,
            "pairs": str(pairs) if pairs else None,
        }
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def read_pairs(self, path: Path) -> set[tuple[int, int]]:
        return read_pairs(path)

    def end(self) -> None:
        if self.process.stdin is not None and self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()


class Scale:
    """This crate: examples/scale.rs with one kernel, a process for each request.

    Its seconds include preparing the rows, which the other tools have done when they are asked.
    """

    note = ""
    prepare_seconds = None

    def __init__(self, binary: str, version: str, kernel: str, brute_force: bool, data: Path) -> None:
        self.title = f"pprl {kernel}" + (", brute force" if brute_force else "")
        self.name = self.title
        self.version = version
        cohorts = ["--cohorts", str(data / "a.json"), str(data / "b.json")]
        self.command = [binary, *cohorts, "--json", "--threads", "1"]
        self.command += ["--measure", "dice", "--repeat", "1", "--kernel", kernel]
        self.command += ["--brute-force"] if brute_force else []

    def search(self, threshold: str, pairs: Optional[Path]) -> dict[str, Any]:
        command = [*self.command, "--threshold", threshold, *(["--pairs", str(pairs)] if pairs else [])]
        said = json.loads(output_of(command, env=one_thread()))
        return {"seconds": said["seconds"], "pairs": said["pairs_found"], "cpu_seconds": None, "parts": {}}

    def read_pairs(self, path: Path) -> set[tuple[int, int]]:
        with open(path, encoding="utf-8") as file:
            next(file)
            return {(int(a), int(b)) for a, b, _ in (line.split(",") for line in file)}

    def end(self) -> None:
        pass


def read_pairs(path: Path) -> set[tuple[int, int]]:
    numbers = array("I", path.read_bytes())
    if sys.byteorder == "big":
        numbers.byteswap()
    return set(zip(numbers[0::2], numbers[1::2]))


def build_scale() -> str:
    say("building examples/scale.rs")
    command = ["cargo", "build", "--release", "--all-features", "--example", "scale", "--message-format=json"]
    for line in output_of(command, cwd=REPOSITORY).splitlines():
        message = json.loads(line)
        if message.get("executable") and message.get("target", {}).get("name") == "scale":
            return message["executable"]
    raise Failed("cargo built no scale")


def our_version() -> str:
    for line in (REPOSITORY / "Cargo.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    return "?"


def our_commit() -> str:
    try:
        return output_of(["git", "describe", "--always", "--dirty"], cwd=REPOSITORY).strip()
    except Failed:
        return "?"


def our_kernels(binary: str) -> list[str]:
    """Those that this machine has."""

    def works(kernel: str) -> bool:
        try:
            output_of([binary, "--rows", "4", "--threads", "1", "--json", "--kernel", kernel])
        except Failed:
            return False
        return True

    return [kernel for kernel in KERNELS if works(kernel)]


class Clks:
    """To say of a single pair how it stands to a threshold."""

    def __init__(self, data: Path) -> None:
        self.a, self.b = (data / "a.bin").read_bytes(), (data / "b.bin").read_bytes()

    def above(self, pair: tuple[int, int], threshold: Fraction) -> int:
        """0 exactly at the threshold, 1 above it, -1 below it."""
        x, y = (
            int.from_bytes(side[row * CLK_BYTES : (row + 1) * CLK_BYTES], "big")
            for side, row in zip((self.a, self.b), pair)
        )
        common, ones = bin(x & y).count("1"), bin(x).count("1") + bin(y).count("1")
        difference = 2 * threshold.denominator * common - threshold.numerator * ones
        return (difference > 0) - (difference < 0)


@dataclass
class Measured:
    """One tool at one threshold."""

    tool: Any
    pairs: int
    missing: int
    extra: int
    why: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    yardsticks: list[float] = field(default_factory=list)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, answer: dict[str, Any]) -> None:
        if answer["pairs"] != self.pairs:
            raise Failed(f"found {answer['pairs']:,} pairs, and {self.pairs:,} before")
        self.seconds.append(answer["seconds"])
        if answer["cpu_seconds"] is not None:
            self.cpu_seconds.append(answer["cpu_seconds"])
        for name, part in answer["parts"].items():
            kept = self.parts.setdefault(name, {"pairs": part.get("pairs"), "seconds": []})
            kept["seconds"].append(part["seconds"])

    def record(self) -> dict[str, Any]:
        measured = ["pairs", "missing", "extra", "why", "seconds", "cpu_seconds", "yardsticks", "parts"]
        said = ["title", "version", "note", "prepare_seconds"]
        return {
            **{name: getattr(self.tool, name) for name in said},
            **{name: getattr(self, name) for name in measured},
        }


def compare(tool: Any, clks: Clks, threshold: str, exact: set[tuple[int, int]], work: Path) -> Measured:
    """A first search, not timed, whose pairs are compared with those that there are."""
    path = work / "pairs"
    path.unlink(missing_ok=True)
    tool.search(threshold, path)
    found = tool.read_pairs(path)
    path.unlink()
    fraction, places = Fraction(threshold), ["exactly at the threshold", "above it", "below it"]
    reasons = []
    for what, pairs in (("misses", exact - found), ("adds", found - exact)):
        counts = Counter(places[clks.above(pair, fraction)] for pair in pairs)
        reasons += [f"{what} {count:,} {place}" for place, count in counts.items()]
    return Measured(tool, len(found), len(exact - found), len(found - exact), ", ".join(reasons))


def yardstick() -> float:
    """Seconds of work that is always the same. Where it varies, the machine did other things.

    The CPU seconds of a process do not show what a virtual machine's host takes away.
    """
    start = time.perf_counter()
    sum(range(2_000_000))
    return time.perf_counter() - start


def measure(tools: list[Any], threshold: str, rounds: int, data: Path, failures: Failures) -> list[Measured]:
    clks, exact = Clks(data), read_pairs(data / f"exact-{threshold}.bin")
    results: list[Measured] = []
    for tool in tools:
        if tool.name not in failures.said:
            with failures.of(tool.name, tool.title):
                results.append(compare(tool, clks, threshold, exact, data))
    for turn in range(rounds):
        say(f"threshold {threshold}: round {turn + 1} of {rounds}")
        # Another begins each time.
        first = turn % max(len(results), 1)
        for result in results[first:] + results[:first]:
            if result.tool.name not in failures.said:
                with failures.of(result.tool.name, result.tool.title):
                    before = yardstick()
                    result.add(result.tool.search(threshold, None))
                    result.yardsticks.append((before + yardstick()) / 2)
    return [result for result in results if len(result.seconds) == rounds]


def measure_encoding(
    python: Path, binary: Optional[str], rows: int, rounds: int, seed: int
) -> list[dict[str, Any]]:
    """Rows a second; a process for each, as all remember what they encoded."""
    commands: list[tuple[str, list[str], str]] = [
        (
            f"clkhash, {title}",
            [str(python), str(HERE / "encode_clkhash.py"), name, str(rows), str(seed)],
            "rows_per_second",
        )
        for name, title in (("blake", "BLAKE2"), ("double", "double hash"))
    ]
    if binary:
        for profile, title in (("clk", "a plain CLK"), ("guarded", "the default profile")):
            options = f"--rows {rows} --against 1 --profile {profile} --threads 1 --json --seed {seed}"
            commands.append((f"pprl, {title}", [binary, *options.split()], "encode_rows_per_second"))
    results: list[dict[str, Any]] = [{"tool": title, "rows_per_second": []} for title, _, _ in commands]
    for turn in range(rounds):
        say(f"encoding: round {turn + 1} of {rounds}")
        for result, (_, command, key) in zip(results, commands):
            result["rows_per_second"].append(json.loads(output_of(command, env=one_thread()))[key])
    return results


def cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def pin(cpu: Optional[int]) -> str:
    """Keeps this process and those it starts on one CPU, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned"
    chosen = max(os.sched_getaffinity(0)) if cpu is None else cpu
    os.sched_setaffinity(0, {chosen})
    return f"pinned to CPU {chosen}"


def table(head: list[str], rows: list[list[str]]) -> str:
    align = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, align, *rows])


def disturbance(results: list[Measured]) -> str:
    """How much else the machine did."""
    sticks = sorted(stick for result in results for stick in result.yardsticks)
    slowed, most = statistics.median(sticks) / sticks[0], sticks[-1] / sticks[0]
    text = f"the same small sum took {slowed:.2f} times its least in the median, {most:.2f} at most"
    shares = [sum(result.cpu_seconds) / sum(result.seconds) for result in results if result.cpu_seconds]
    if shares:
        text += f"; the other tools had the CPU for {min(shares):.0%} to {max(shares):.0%} of their seconds"
    return text + (". **The machine was busy: do not use these ratios.**" if slowed > 1.1 else "")


def searched(
    threshold: str, results: list[Measured], comparisons: int, exact: int, best: Optional[str]
) -> str:
    """The table of one threshold."""
    medians = {result.tool.title: statistics.median(result.seconds) for result in results}
    ours = [medians.get(title) for title in (best, f"{best}, brute force")]

    def row(title: str, version: str, seconds: list[float], last: list[str]) -> list[str]:
        median = statistics.median(seconds)
        ratios = ["" if our is None else f"{median / our:.2f}" for our in ours]
        rate = f"{comparisons / median / 1e6:,.1f}"
        return [title, version, f"{median:.4f}", f"{min(seconds):.4f}", rate, *ratios, *last]

    rows = []
    for result in results:
        tool = result.tool
        last = [f"{result.pairs:,}", f"{result.missing:,}", f"{result.extra:,}"]
        rows.append(row(tool.title, tool.version, result.seconds, last))
        for name, part in result.parts.items():
            pairs = "" if part["pairs"] is None else f"{part['pairs']:,}"
            rows.append(row(f"{tool.title}: {name}", tool.version, part["seconds"], [pairs, "", ""]))
    head = ["tool", "version", "seconds, median", "least", "million comparisons/s"]
    head += [f"times the seconds of {best or 'pprl'}", "of its brute force", "pairs", "missing", "extra"]
    text = f"## Dice {threshold} or more: {exact:,} pairs\n\n{table(head, rows)}\n"
    notes = [
        f"* {result.tool.title}: {'; '.join(filter(None, [result.why, result.tool.note]))}"
        for result in results
        if result.why or result.tool.note
    ]
    if results:
        notes.append(f"* {disturbance(results)}")
    return text + ("\n" + "\n".join(notes) + "\n" if notes else "")


def encoded(results: list[dict[str, Any]], rows: int) -> str:
    medians = [statistics.median(result["rows_per_second"]) for result in results]
    lines = [
        [
            result["tool"],
            f"{median:,.0f}",
            f"{max(result['rows_per_second']):,.0f}",
            f"{median / medians[0]:.2f}",
        ]
        for result, median in zip(results, medians)
    ]
    head = ["tool", "rows/s, median", "most", f"times {results[0]['tool']}"]
    return (
        f"## Encoding: {rows:,} rows\n\n{table(head, lines)}\n\n"
        "The people differ: clkhash encodes those of data.py (given name, surname, date of birth, postcode), "
        "this crate its own invented people: the same four fields, or all of its default profile's.\n"
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000, help="people in the first file (%(default)s)")
    parser.add_argument("--against", type=int, help="people in the second file (as many)")
    parser.add_argument("--thresholds", default="0.7,0.8,0.9", help="Dice similarities (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds of each (%(default)s)")
    names = ", ".join(["ours", *(peer.name for peer in PEERS), "encoding"])
    parser.add_argument("--only", help=f"a list of: {names}")
    parser.add_argument("--encode-rows", type=int, default=20_000, help="people encoded (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="other people")
    parser.add_argument("--scale-binary", help="examples/scale.rs, built; built here if not given")
    parser.add_argument(
        "--env", type=Path, default=HERE / ".env", help="folder of the environments (.env beside this)"
    )
    parser.add_argument("--python", action="append", default=[], help="a Python to use, as often as needed")
    parser.add_argument("--cpu", type=int, help="the CPU to run on (the last)")
    parser.add_argument("--json", type=Path, help="writes all that was measured")
    arguments = parser.parse_args()
    known = {"ours", "encoding", *(peer.name for peer in PEERS)}
    arguments.only = set(arguments.only.split(",")) if arguments.only else known
    if not arguments.only <= known:
        parser.error(f"--only knows {names}")
    arguments.against = arguments.against or arguments.rows
    arguments.thresholds = arguments.thresholds.split(",")
    if any(not 0 < Fraction(threshold) <= 1 for threshold in arguments.thresholds):
        parser.error("a threshold must be above 0 and at most 1")
    if min(arguments.rows, arguments.against, arguments.rounds, arguments.encode_rows) < 1:
        parser.error("rows and rounds must be at least 1")
    return arguments


def install_peers(environments: Environments, only: set[str], failures: Failures) -> list[Peer]:
    installed = []
    for peer in PEERS:
        if peer.name in only:
            with failures.of(peer.name, peer.title):
                environments.install(peer.python, peer.requirements or peer.name)
                installed.append(peer)
    return installed


def make_data(environments: Environments, arguments: argparse.Namespace) -> Path:
    base, data = str(environments.python(PYTHON)), environments.folder / "data"
    say("making the data")
    sizes = [
        "--rows",
        str(arguments.rows),
        "--against",
        str(arguments.against),
        "--seed",
        str(arguments.seed),
    ]
    output_of([base, str(HERE / "data.py"), *sizes, str(data)])
    say("finding the exact pairs")
    output_of([base, str(HERE / "oracle.py"), str(data), *arguments.thresholds], env=one_thread())
    return data


def header_of(arguments: argparse.Namespace, data: Path, pinned: str, load: float) -> dict[str, str]:
    digest = hashlib.sha256((data / "a.bin").read_bytes() + (data / "b.bin").read_bytes()).hexdigest()
    bits = CLK_BYTES * 8
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu_model(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": f"1, {pinned}; load of the machine when it began {load:.1f}",
        "sizes": f"{arguments.rows:,} x {arguments.against:,} CLKs of {bits:,} bits, seed {arguments.seed}",
        "data": f"SHA-256 {digest[:16]}",
        "rounds": str(arguments.rounds),
        "commit": our_commit(),
        "command": shlex.join(["python3", "benches/peers/run.py", *sys.argv[1:]]),
    }


def main() -> None:
    arguments = parse_arguments()
    environments = Environments(arguments.env.resolve(), arguments.python)
    failures = Failures()
    binary, kernels = None, []
    try:
        environments.install(PYTHON, "base")
        if "ours" in arguments.only:
            binary = str(Path(arguments.scale_binary).resolve()) if arguments.scale_binary else build_scale()
            kernels = our_kernels(binary)
            if not kernels:
                raise Failed(f"{binary} does not work here")
        peers = install_peers(environments, arguments.only, failures)
        load, pinned = os.getloadavg()[0], pin(arguments.cpu)
        data = make_data(environments, arguments)
    except Failed as failed:
        sys.exit(str(failed))

    header = header_of(arguments, data, pinned, load)
    text = "# Peers\n\n" + "\n".join(f"* {name}: {value}" for name, value in header.items()) + "\n"
    record: dict[str, Any] = {"header": header, "search": [], "encoding": []}
    tools: list[Any] = []
    ours_exact = True
    try:
        for kernel in kernels:
            tools += [Scale(str(binary), our_version(), kernel, brute, data) for brute in (False, True)]
        for peer in peers:
            with failures.of(peer.name, peer.title):
                logs = environments.folder / "logs"
                tools.append(Adapter(peer, environments.python(peer.python), data, logs))
        for threshold in arguments.thresholds if tools else []:
            results = measure(tools, threshold, arguments.rounds, data, failures)
            exact = (data / f"exact-{threshold}.bin").stat().st_size // 8
            best = f"pprl {kernels[0]}" if kernels else None
            text += "\n" + searched(threshold, results, arguments.rows * arguments.against, exact, best)
            record["search"] += [
                {"threshold": threshold, "exact_pairs": exact, **result.record()} for result in results
            ]
            ours_exact &= all(
                result.missing == result.extra == 0 for result in results if isinstance(result.tool, Scale)
            )
    finally:
        for tool in tools:
            tool.end()
    if "encoding" in arguments.only:
        with failures.of("encoding", "encoding"):
            python, rows = environments.python(PYTHON), arguments.encode_rows
            record["encoding"] = measure_encoding(python, binary, rows, arguments.rounds, arguments.seed)
            text += "\n" + encoded(record["encoding"], rows)
    record["failures"] = list(failures.said.values())
    if failures.said:
        text += "\n## Could not be run\n\n" + "\n".join(f"* {said}" for said in record["failures"]) + "\n"
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    if not ours_exact:
        sys.exit("this crate's pairs are not the exact ones")


if __name__ == "__main__":
    main()
