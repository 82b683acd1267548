"""tidy - clang-tidy over every C file of a build, side by side; what passed once is not run again.

    tidy.py BUILD CACHE                 (with the Python of tests/requirements.txt)

The pinned clang-tidy comes without the compiler's own headers: those of the machine's clang serve.
BUILD was made by Ninja and has a compile_commands.json.  A file passes until its text, its headers,
its command line, .clang-tidy or clang-tidy's version changes.  Ends with `N passed, N failed`.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
TIDY = pathlib.Path(sys.executable).parent / "clang-tidy"


def dependencies(build):
    """{object file: the project's files that it was made from}, as the last build noted them."""
    text = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        if line and not line[0].isspace():
            files = found.setdefault(line.partition(":")[0], [])
        elif line.strip():
            path = (build / line.strip()).resolve()
            if path.is_relative_to(TREE):
                files.append(path)
    return found


def fingerprint(entry, files, common):
    digest = hashlib.sha256(common)
    digest.update(entry["command"].encode())
    for path in sorted({pathlib.Path(entry["file"]), *files}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main():
    build, cache = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    common = version + (TREE / ".clang-tidy").read_bytes()
    headers = subprocess.run(["clang", "-print-resource-dir"], capture_output=True, text=True, check=True)
    command = [TIDY, "-quiet", "-p", build, f"-extra-arg=-resource-dir={headers.stdout.strip()}"]
    made_from = dependencies(build)

    def passes(entry):
        output = entry["command"].partition(" -o ")[2].split()[0]
        mark = cache / fingerprint(entry, made_from.get(output, []), common)
        if mark.exists():
            return True
        done = subprocess.run([*command, entry["file"]], capture_output=True, text=True)
        if done.returncode == 0:
            mark.touch()
        else:
            print(done.stdout + done.stderr, flush=True)
        return done.returncode == 0

    entries = json.loads((build / "compile_commands.json").read_text())
    entries = [e for e in entries if pathlib.Path(e["file"]).suffix == ".c"
               and not pathlib.Path(e["file"]).is_relative_to(build)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(passes, entries))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
