"""plot - pictures of a report's results, by gnuplot: throughput.png and growth.png.

As a program: plot.py REPORT.json FOLDER
"""
import json
import pathlib
import shutil
import subprocess
import sys

COLOURS = {"relay": "#1f77b4", "debezium": "#d62728", "source": "#7f7f7f", "sink": "#2ca02c"}
SERIES = [("source", "pg_recvlogical", "#7f7f7f"), ("null", "millrace, null", "#ff7f0e"),
          ("kafka", "millrace, Kafka exactly once", "#1f77b4")]
MEASURES = [("events_per_s", "events/s"), ("cpu_s_per_million", "CPU µs per event"), ("peak_mib", "peak MiB")]
AXES = ["columns", "bytes of text", "rows in a transaction", "tables", "partitions"]


def draw(results, folder):
    """Draws what there are results for; says so when gnuplot is missing."""
    if shutil.which("gnuplot") is None:
        print("bench: no plots: gnuplot is missing, run deploy/deps.sh --only bench", file=sys.stderr)
        return
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, script in (("throughput", throughput(results)), ("growth", growth(results))):
        if script:
            file = folder / f"{name}.png"
            subprocess.run(["gnuplot"], input=f"set output {quoted(file)}\n{script}", text=True, check=True)
            print(f"bench: drew {file}")


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def block(name, rows):
    return f"${name} << EOD\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows) + "EOD\n"


def throughput(results):
    """Events a second against CPU for an event, each contender a point; right and low is dear."""
    rows = [r for r in results if r["case"] == "stream" and r["work"] in ("inserts", "tpcb") and r["cpu_s_per_million"]]
    works = [w for w in ("inserts", "tpcb") if any(r["work"] == w for r in rows)]
    if not works:
        return None
    titles = {"inserts": "single-row inserts", "tpcb": "TPC-B by pgbench"}
    script = (f"set terminal pngcairo size {760 * len(works)},560 font 'DejaVu Sans,10'\n"
              f"set multiplot layout 1,{len(works)}\nset logscale xy\nset grid\nset key bottom left\nset offsets graph "
              "0.1, graph 0.45, graph 0.1, graph 0.1\nset xlabel 'CPU of the process, µs per event'\n"
              "set ylabel 'events/s'\nset format y '%.0s%c'\n")
    for work in works:
        plots = []
        for kind, title in (("relay", "millrace"), ("source", "floor: PostgreSQL's client"),
                            ("sink", "floor: librdkafka alone"), ("debezium", "Debezium 3.7, tuned")):
            some = [r for r in rows if r["work"] == work and r["kind"] == kind]
            if some:
                script += block(f"{work}_{kind}", [
                    (r["cpu_s_per_million"], r["events_per_s"], f'"{short(r["contender"])}"') for r in some])
                plots.append(f"${work}_{kind} using 1:2 with points pt 7 ps 1.4 lc rgb '{COLOURS[kind]}' title {quoted(title)}, "
                             f"${work}_{kind} using 1:2:3 with labels left offset 0.9,0 font ',8' notitle")
        script += f"set title {quoted(titles[work])}\nplot {', '.join(plots)}\n"
    return script


def short(contender):
    return contender.removeprefix("millrace, ").removeprefix("librdkafka alone, ")


def series_of(result):
    return result["kind"] if result["kind"] == "source" else ("null" if ", null," in result["contender"] else "kafka")


def growth(results):
    """A line of pictures for each axis that grows: rate, CPU and memory."""
    rows = [r for r in results if r["case"] == "scale"]
    axes = [axis for axis in AXES if any(r["work"] == axis for r in rows)]
    if not axes:
        return None
    script = (f"set terminal pngcairo size 1100,{210 * len(axes) + 30} font 'DejaVu Sans,8'\n"
              f"set multiplot layout {len(axes)},{len(MEASURES)}\nset logscale x\nset grid\nset format y '%.0s%c'\n"
              "set yrange [0:*]\nset format x '%.0s%c'\n")
    for axis in axes:
        for measure, label in MEASURES:
            plots = []
            for series, title, colour in SERIES:
                some = [(r["value"], r[measure]) for r in rows
                        if r["work"] == axis and series_of(r) == series and r[measure] is not None]
                if some and not (series == "source" and measure != "events_per_s"):
                    name = f"{axis}_{measure}_{series}".replace(" ", "_")
                    script += block(name, some)
                    shown = f"title {quoted(title)}" if (axis, measure) == (axes[0], "events_per_s") else "notitle"
                    plots.append(f"${name} with linespoints pt 7 ps 0.7 lw 1.5 lc rgb '{colour}' {shown}")
            if plots:
                script += (f"set xlabel {quoted(axis)} offset 0,0.6\nset ylabel {quoted(label)} offset 1,0\n"
                           f"set key top right samplen 1\nplot {', '.join(plots)}\n")
    return script


if __name__ == "__main__":
    draw(json.loads(pathlib.Path(sys.argv[1]).read_text())["results"], sys.argv[2])
