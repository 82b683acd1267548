"""debian_packages - `apt-cache dumpavail` on stdin, the rows of a table for COPY ... FROM STDIN on stdout.

    debian_packages.py --table    prints the CREATE TABLE statement instead
"""

import sys

# column, type, field of the package's record
COLUMNS = [
    ("name", "text", "Package"), ("architecture", "text", "Architecture"), ("version", "text", "Version"),
    ("section", "text", "Section"), ("priority", "text", "Priority"), ("maintainer", "text", "Maintainer"),
    ("installed_kib", "bigint", "Installed-Size"), ("download_bytes", "bigint", "Size"),
    ("homepage", "text", "Homepage"), ("depends", "text", "Depends"), ("description", "text", "Description")]

ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def packages(lines):
    """{field: text} of each record; they are apart by an empty line, continued lines are left out."""
    fields = {}
    for line in lines:
        if line == "\n":
            yield fields
            fields = {}
        elif not line[0].isspace():
            field, _, text = line.rstrip("\n").partition(": ")
            fields[field] = text
    yield fields


def main():
    if sys.argv[1:] == ["--table"]:
        columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
        print(f"CREATE TABLE packages ({columns}, PRIMARY KEY (name, architecture))")
        return
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout.reconfigure(encoding="utf-8")
    seen = set()
    for fields in packages(sys.stdin):
        key = (fields.get("Package"), fields.get("Architecture"))
        if None not in key and key not in seen:  # several suites may hold one package
            seen.add(key)
            cells = (fields.get(field) for _, _, field in COLUMNS)
            print("\t".join("\\N" if c is None else c.translate(ESCAPED) for c in cells))


if __name__ == "__main__":
    main()
