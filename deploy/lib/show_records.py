"""show_records - the records of one topic on a terminal, each value on one line cut to its width.

    show_records.py kafka BOOTSTRAP TOPIC WHAT      as a read_committed consumer sees them
    show_records.py log MILLRACE FOLDER TOPIC WHAT  as `millrace log cat` prints them

WHAT: --snapshot N  the first N rows of the snapshot, then ends
      --changes N   the first N records that are changes (create, update, delete, tombstone), then ends
      --follow      all that come from now on, until ^C
"""

import contextlib
import itertools
import json
import shutil
import signal
import subprocess
import sys
import time

WAIT_S = 120
NAMES = {"r": "snapshot row", "c": "insert", "u": "update", "d": "delete", "t": "truncate", None: "tombstone"}


def from_kafka(bootstrap, topic, follow):
    """(offset, key, value) as texts, for ever; None whenever there is nothing at the moment."""
    from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "show_records", "enable.auto.commit": False,
        "isolation.level": "read_committed", "fetch.wait.max.ms": 50, "log_level": 0,
        "topic.metadata.refresh.interval.ms": 200})

    def begin(partition):
        ends = consumer.get_watermark_offsets(TopicPartition(topic, partition), 30)
        return TopicPartition(topic, partition, ends[1] if follow else ends[0])

    starts = []
    while not starts:  # the relay makes the topic, and the broker may not lead it at once
        found = consumer.list_topics(timeout=30).topics.get(topic)
        with contextlib.suppress(KafkaException):
            starts = [begin(p) for p in found.partitions] if found is not None and found.error is None else []
        yield None
    consumer.assign(starts)
    while True:
        message = consumer.poll(0.2)
        if message is None:
            yield None
        elif message.error() is None:
            texts = (t.decode() if t is not None else "null" for t in (message.key(), message.value()))
            yield message.offset(), *texts
        elif message.error().code() != KafkaError._PARTITION_EOF and not message.error().retriable():
            sys.exit(f"show_records: {message.error()}")


def from_log(millrace, folder, topic, follow):
    """The same of the local event log; the offset counts all its records."""
    beyond = 0
    for turn in itertools.count():
        done = subprocess.Popen(
            [millrace, "log", "cat", folder, "--topic", topic, "--from", str(beyond)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in done.stdout:
            record = json.loads(line)
            beyond = record["offset"] + 1
            if turn > 0 or not follow:
                yield record["offset"], *(compact(record[part]) for part in ("key", "value"))
        done.wait()
        yield None
        time.sleep(0.1)


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def operation(value):
    return json.loads(value).get("op") if value != "null" else None


def show(record, width):
    offset, key, value = record
    print(cut(f"  {NAMES.get(operation(value), '?'):<13} offset {offset:<7} key {key}", width))
    print(cut(f"      {value}", width), flush=True)


def cut(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def main(words):
    sources = {"kafka": (from_kafka, 2), "log": (from_log, 3)}
    if not words or words[0] not in sources or len(words) < sources[words[0]][1] + 2:
        sys.exit(__doc__)
    source, count = sources[words[0]]
    arguments, what = words[1:count + 1], words[count + 1:]
    follow = what == ["--follow"]
    left = None if follow else int(what[1])
    width = shutil.get_terminal_size((120, 24)).columns
    end = time.monotonic() + WAIT_S
    seen = 0

    for record in source(*arguments, follow):
        if left is not None and time.monotonic() > end:
            sys.exit(f"show_records: after {WAIT_S} s {seen} records and not what was waited for")
        if record is None:
            continue
        seen += 1
        if follow or (operation(record[2]) == "r") == (what[0] == "--snapshot"):
            show(record, width)
            left = left and left - 1
        if left == 0:
            return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main(sys.argv[1:])
