#include "millrace/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "millrace/crc32c.h"
#include "millrace/lsn.h"

#define HEAD "millrace-position "
#define VERSION "1"

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A change inside a transaction: from now on the position is in the middle of it. */
static void advance_inside(struct position *p, const struct event *event)
{
    if (event->commit_lsn == 0) { /* a message, or a TRUNCATE before a table is read again */
        p->end_lsn = later(p->end_lsn, event->end_lsn);
        return;
    }
    p->commit_lsn = event->commit_lsn;
    p->ordinal = event->ordinal;
    p->last_lsn = event->lsn;
    p->commit_us = event->commit_us;
}

void position_advance(struct position *p, const struct event *event)
{
    if (event->repeated)
        return;
    switch (event->kind) {
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_DELETE:
    case EVENT_TRUNCATE:
    case EVENT_MESSAGE:
        advance_inside(p, event);
        break;
    case EVENT_COMMIT:
        p->end_lsn = later(p->end_lsn, event->end_lsn);
        p->commit_lsn = event->commit_lsn;
        p->commit_us = event->commit_us;
        p->ordinal = 0;
        p->last_lsn = 0;
        break;
    case EVENT_PROGRESS:
        p->end_lsn = later(p->end_lsn, event->end_lsn);
        break;
    case EVENT_SNAPSHOT_BEGIN:
        p->snapshot = SNAPSHOT_RUNNING;
        p->consistent_point = event->consistent_point;
        p->end_lsn = event->consistent_point;
        p->reread_lsn = event->reread_lsn;
        break;
    case EVENT_SNAPSHOT_END:
        p->snapshot = SNAPSHOT_DONE;
        break;
    case EVENT_BEGIN:
    case EVENT_READ:
    case EVENT_RELATION:
    case EVENT_HEARTBEAT:
        break;
    }
    p->known = true;
}

static bool same_source(const struct position *a, const struct position *b)
{
    return a->system_id == b->system_id && a->timeline == b->timeline &&
           strcmp(a->slot, b->slot) == 0 && strcmp(a->database, b->database) == 0;
}

bool position_equal(const struct position *a, const struct position *b)
{
    return a->known == b->known && same_source(a, b) && a->end_lsn == b->end_lsn &&
           a->commit_lsn == b->commit_lsn && a->ordinal == b->ordinal &&
           a->last_lsn == b->last_lsn && a->commit_us == b->commit_us &&
           a->snapshot == b->snapshot && a->consistent_point == b->consistent_point &&
           a->reread_lsn == b->reread_lsn;
}

const char *snapshot_state_name(enum snapshot_state state)
{
    switch (state) {
    case SNAPSHOT_NONE:
        return "none";
    case SNAPSHOT_RUNNING:
        return "running";
    case SNAPSHOT_DONE:
        return "done";
    }
    return "unknown";
}

void position_encode(const struct position *p, struct buf *out)
{
    size_t start = out->len;

    buf_printf(out, HEAD VERSION "\nsystem_id %" PRIu64 "\ntimeline %" PRIu32 "\nslot %s\n",
               p->system_id, p->timeline, p->slot);
    buf_printf(out, "end_lsn %s\n", lsn_format(p->end_lsn).text);
    buf_printf(out, "commit_lsn %s\n", lsn_format(p->commit_lsn).text);
    buf_printf(out, "ordinal %" PRIu64 "\n", p->ordinal);
    buf_printf(out, "last_lsn %s\n", lsn_format(p->last_lsn).text);
    buf_printf(out, "commit_us %" PRId64 "\n", p->commit_us);
    buf_printf(out, "snapshot %s\n", snapshot_state_name(p->snapshot));
    buf_printf(out, "consistent_point %s\n", lsn_format(p->consistent_point).text);
    buf_printf(out, "reread_lsn %s\n", lsn_format(p->reread_lsn).text);
    buf_printf(out, "database %s\n", p->database);
    if (!out->failed)
        buf_printf(out, "crc32c %08" PRIx32 "\n", crc32c(0, out->at + start, out->len - start));
}

/* What is left of the text; `failed` is sticky as in reader. */
struct lines {
    struct slice left;
    bool failed;
};

/* The value of the next line, which must begin with `key` and a space. */
static struct slice take_value(struct lines *l, const char *key)
{
    const uint8_t *newline =
        l->failed || l->left.len == 0 ? NULL : memchr(l->left.at, '\n', l->left.len);
    size_t key_len = strlen(key), line_len;
    struct slice value;

    if (newline == NULL)
        goto malformed;
    line_len = (size_t)(newline - l->left.at);
    if (line_len < key_len + 1 || memcmp(l->left.at, key, key_len) != 0 ||
        l->left.at[key_len] != ' ')
        goto malformed;
    value = slice_of(l->left.at + key_len + 1, line_len - key_len - 1);
    l->left = slice_of(newline + 1, l->left.len - line_len - 1);
    return value;

malformed:
    l->failed = true;
    return (struct slice){NULL, 0};
}

/* Decimal digits, all of the slice; not more than `most`. */
static bool parse_number(struct slice text, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.at[i] - '0';

        if (digit > 9 || value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return text.len > 0;
}

static uint64_t take_number(struct lines *l, const char *key, uint64_t most)
{
    uint64_t value = 0;

    if (!parse_number(take_value(l, key), most, &value))
        l->failed = true;
    return l->failed ? 0 : value;
}

static int64_t take_signed(struct lines *l, const char *key)
{
    struct slice text = take_value(l, key);
    bool negative = text.len > 0 && text.at[0] == '-';
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, value = 0;

    if (negative)
        text = slice_of(text.at + 1, text.len - 1);
    if (!parse_number(text, most, &value))
        l->failed = true;
    if (l->failed || value == 0)
        return 0;
    return negative ? -(int64_t)(value - 1) - 1 : (int64_t)value;
}

static uint64_t take_lsn(struct lines *l, const char *key)
{
    uint64_t lsn = 0;

    if (!lsn_parse(take_value(l, key), &lsn))
        l->failed = true;
    return lsn;
}

static void take_name(struct lines *l, const char *key, char *out)
{
    struct slice text = take_value(l, key);

    if (l->failed || text.len >= POSITION_NAME_BYTES ||
        (text.len > 0 && memchr(text.at, 0, text.len) != NULL)) {
        l->failed = true;
        return;
    }
    memset(out, 0, POSITION_NAME_BYTES);
    if (text.len > 0)
        memcpy(out, text.at, text.len);
}

static enum snapshot_state take_snapshot(struct lines *l)
{
    struct slice text = take_value(l, "snapshot");

    for (int state = SNAPSHOT_NONE; state <= SNAPSHOT_DONE; state++)
        if (!l->failed && slice_is(text, snapshot_state_name((enum snapshot_state)state)))
            return (enum snapshot_state)state;
    l->failed = true;
    return SNAPSHOT_NONE;
}

/* Whether the next line is the checksum, in just the form in which we write it. */
static bool take_crc(struct lines *l, uint32_t expected)
{
    char text[9];

    (void)snprintf(text, sizeof text, "%08" PRIx32, expected);
    return slice_is(take_value(l, "crc32c"), text);
}

bool position_decode(struct slice text, struct position *out, struct error *err)
{
    struct lines l = {text, false};
    struct position p = {.known = true};
    struct slice version = take_value(&l, "millrace-position");
    uint32_t expected;

    if (l.failed)
        return error_gap(err, GAP_POSITION_UNREADABLE,
                         "stored position is not a millrace position");
    if (!slice_is(version, VERSION))
        return error_gap(err, GAP_POSITION_UNREADABLE,
                         "stored position has format version %.*s, this program knows " VERSION
                         ": run the version of millrace that wrote it, or a newer one",
                         SLICE_ARGS(version));
    p.system_id = take_number(&l, "system_id", UINT64_MAX);
    p.timeline = (uint32_t)take_number(&l, "timeline", UINT32_MAX);
    take_name(&l, "slot", p.slot);
    p.end_lsn = take_lsn(&l, "end_lsn");
    p.commit_lsn = take_lsn(&l, "commit_lsn");
    p.ordinal = take_number(&l, "ordinal", UINT64_MAX);
    p.last_lsn = take_lsn(&l, "last_lsn");
    p.commit_us = take_signed(&l, "commit_us");
    p.snapshot = take_snapshot(&l);
    p.consistent_point = take_lsn(&l, "consistent_point");
    p.reread_lsn = take_lsn(&l, "reread_lsn");
    take_name(&l, "database", p.database);
    expected = crc32c(0, text.at, text.len - l.left.len);
    if (!take_crc(&l, expected) || l.failed || l.left.len != 0)
        return error_gap(err, GAP_POSITION_UNREADABLE,
                         "stored position is damaged (checksum or form)");
    *out = p;
    return true;
}
