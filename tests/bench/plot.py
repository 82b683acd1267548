"""plot - pictures of a report's results, by gnuplot: throughput.png and growth.png.

As a program: plot.py REPORT.json FOLDER
"""
import json
import pathlib
import shutil
import subprocess
import sys

COLOURS = {"null": "#ff7f0e", "kafka": "#1f77b4", "debezium": "#d62728", "source": "#7f7f7f", "sink": "#2ca02c"}
SERIES = [("source", "pg_recvlogical", "#7f7f7f"), ("null", "millrace, null", "#ff7f0e"),
          ("kafka", "millrace, Kafka exactly once", "#1f77b4")]
MEASURES = [("events_per_s", "events/s", "%.0s%c"), ("cpu_s_per_million", "CPU µs per event", "%g"),
            ("peak_mib", "peak MiB", "%g")]
TITLES = {"inserts": "single-row inserts", "tpcb": "TPC-B by pgbench"}
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
    rows = [r for r in results if r["case"] == "stream" and r["work"] in TITLES and r["cpu_s_per_million"]]
    works = [w for w in TITLES if any(r["work"] == w for r in rows)]
    if not works:
        return None
    # The picture with the most contenders comes first and explains the points of all.
    works.sort(key=lambda w: -sum(r["work"] == w for r in rows))
    contenders = {r["contender"]: series_of(r) for r in rows}
    script = (f"set terminal pngcairo noenhanced size {430 * len(works) + 340},430 font 'DejaVu Sans,9'\n"
              f"set multiplot\nset logscale xy\nset grid\nset autoscale noextend\n"
              "set offsets graph 0.08, graph 0.08, graph 0.08, graph 0.08\n"
              "set xlabel 'CPU of the process, µs per event'\nset format y '%.0s%c'\n")
    width = 1 / (len(works) + 340 / 430)  # of a picture; the rest is the key's
    for n, work in enumerate(works):
        some = [r for r in rows if r["work"] == work]
        script += "".join(block(f"{work}{i}", [(r["cpu_s_per_million"], r["events_per_s"])]) for i, r in enumerate(some))
        plots = [f"${work}{i} with points pt {shape(contenders, r)} ps 1.5 lw 1.5 lc rgb '{COLOURS[series_of(r)]}' "
                 f"title {quoted(r['contender'])}" for i, r in enumerate(some)]
        script += (f"set size {width},1\nset origin {n * width},0\nset lmargin 9\nset rmargin 2\n"
                   f"set title {quoted(TITLES[work])}\nset ylabel {quoted('' if n else 'events/s')}\n"
                   + ("unset key\n" if n > 0 else
                      f"set key at screen {len(works) * width + 0.02},0.9 left top Left reverse spacing 1.4\n")
                   + f"plot {', '.join(plots)}\n")
    return script


def shape(contenders, row):
    """Point types 4, 6, 8... in turn among those of one colour, 5, 7, 9... (filled) if it is the relay's."""
    same = [name for name, series in contenders.items() if series == series_of(row)]
    return 5 + 2 * (same.index(row["contender"]) % 6) - (row["kind"] != "relay")


def series_of(result):
    return result["kind"] if result["kind"] != "relay" else ("null" if ", null," in result["contender"] else "kafka")


def growth(results):
    """A line of pictures for each axis that grows: rate, CPU and memory."""
    rows = [r for r in results if r["case"] == "scale"]
    axes = [axis for axis in AXES if any(r["work"] == axis for r in rows)]
    if not axes:
        return None
    script = (f"set terminal pngcairo noenhanced size 1000,{170 * len(axes) + 30} font 'DejaVu Sans,8'\n"
              f"set multiplot layout {len(axes)},{len(MEASURES)}\nset logscale x\nset autoscale xfix\nset grid\n"
              "set yrange [0:*]\nset lmargin 10\nset rmargin 2\nset offsets 0, 0, graph 0.15, 0\nset format x '%.0s%c'\n")
    for axis in axes:
        for measure, label, form in MEASURES:
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
                script += (f"set xlabel {quoted(axis)} offset 0,0.6\nset ylabel {quoted(label)}\nset format y '{form}'\n"
                           f"set key top right samplen 1\nplot {', '.join(plots)}\n")
    return script


if __name__ == "__main__":
    draw(json.loads(pathlib.Path(sys.argv[1]).read_text())["results"], sys.argv[2])
