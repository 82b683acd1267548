#include "relay/command_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "millrace/buf.h"
#include "millrace/lsn.h"
#include "millrace/mem.h"
#include "sinks/log_reader.h"
#include "sinks/log_segment.h"
#include "sinks/record_json.h"

#define LINE_LIMIT_BYTES ((size_t)3 << 30)
#define LINE_KEEP_BYTES ((size_t)1 << 20)

struct request {
    const char *directory;
    const char *topic; /* NULL: all */
    uint64_t from_offset;
    FILE *out;
    FILE *err;
};

static enum exit_code report(const struct request *q, const struct error *err)
{
    (void)fprintf(q->err, "millrace: %s\n", err->text);
    return exit_code_of(err);
}

/* Whether what was printed arrived.  A reader that saw enough (`| head`) is no fault. */
static enum exit_code finish(const struct request *q, enum exit_code code)
{
    struct error err = {0};

    if (fflush(q->out) == 0 && !ferror(q->out))
        return code;
    if (errno == EPIPE)
        return code;
    (void)error_os(&err, errno, "cannot write the output");
    return report(q, &err);
}

/* cat */

static enum exit_code print_records(const struct request *q, struct log_reader *reader,
                                    struct buf *line)
{
    struct log_entry entry;
    struct error err = {0};
    enum log_read got;

    while ((got = log_reader_next(reader, &entry, &err)) == LOG_READ_RECORD ||
           got == LOG_READ_COMMIT) {
        if (got == LOG_READ_COMMIT ||
            (q->topic != NULL && strcmp(q->topic, entry.record.topic->name) != 0))
            continue;
        buf_reset(line, LINE_KEEP_BYTES);
        record_json_append(line, &entry.record, &entry.offset);
        if (line->failed) {
            (void)error_set(&err, ERROR_SYSTEM, "no memory to print record %" PRIu64, entry.offset);
            return report(q, &err);
        }
        if (fwrite(line->at, 1, line->len, q->out) != line->len)
            break;
    }
    return got == LOG_READ_FAILED ? report(q, &err) : EXIT_OK;
}

static enum exit_code run_cat(const struct request *q)
{
    struct error err = {0};
    struct log_reader *reader = log_reader_open(q->directory, q->from_offset, &err);
    struct buf line;
    enum exit_code code;

    if (reader == NULL)
        return report(q, &err);
    buf_init(&line, LINE_LIMIT_BYTES);
    code = print_records(q, reader, &line);
    buf_done(&line);
    log_reader_close(reader);
    return finish(q, code);
}

/* verify */

struct verdict {
    uint64_t records;
    uint64_t commits;
    size_t damaged;
    enum exit_code code;
};

static bool verify_entries(struct log_segment *segment, struct verdict *v, struct error *err)
{
    struct log_entry entry;
    enum log_read got;

    while ((got = log_segment_next(segment, &entry, err)) == LOG_READ_RECORD ||
           got == LOG_READ_COMMIT)
        if (got == LOG_READ_RECORD)
            v->records++;
        else
            v->commits++;
    return got == LOG_READ_END;
}

/* `next`: where the following segment begins; NULL: this is the last. */
static bool verify_file(const struct request *q, int dir_fd, uint64_t first_offset,
                        const uint64_t *next, struct verdict *sum, struct error *err)
{
    struct log_segment segment;
    struct verdict v = {0};
    uint64_t tail;
    bool missing, ok;

    if (!log_segment_open(&segment, dir_fd, first_offset, &missing, err))
        return false;
    ok = verify_entries(&segment, &v, err) &&
         (next == NULL || log_segment_joins(&segment, *next, err));
    if (ok) {
        tail = segment.size - segment.committed_bytes;
        (void)fprintf(q->out, "%s ok: %" PRIu64 " bytes, %" PRIu64 " records, %" PRIu64 " commits",
                      log_segment_name(first_offset).text, segment.size, v.records, v.commits);
        if (tail > 0)
            (void)fprintf(q->out, "; %" PRIu64 " bytes behind the last commit do not count", tail);
        (void)fputc('\n', q->out);
    }
    sum->records += v.records;
    sum->commits += v.commits;
    log_segment_close(&segment);
    return ok;
}

static void verify_segments(const struct request *q, int dir_fd, const struct log_listing *listing,
                            struct verdict *sum)
{
    const uint64_t *at = listing->first_offsets;

    for (size_t i = 0; i < listing->count; i++) {
        struct error err = {0};

        if (verify_file(q, dir_fd, at[i], i + 1 < listing->count ? &at[i + 1] : NULL, sum, &err))
            continue;
        (void)fprintf(q->out, "%s BAD: %s\n", log_segment_name(at[i]).text, err.text);
        sum->damaged++;
        if (sum->code != EXIT_DATA)
            sum->code = err.kind == ERROR_SYSTEM ? EXIT_FAULT : EXIT_DATA;
    }
}

static enum exit_code run_verify(const struct request *q)
{
    struct verdict sum = {.code = EXIT_OK};
    struct log_listing listing = {0};
    struct error err = {0};
    int dir_fd = -1;

    if (!log_directory_open(q->directory, &dir_fd, &err) ||
        !log_listing_read(dir_fd, &listing, &err)) {
        if (dir_fd >= 0)
            (void)close(dir_fd);
        (void)error_wrap(&err, "log %s", q->directory);
        return report(q, &err);
    }
    verify_segments(q, dir_fd, &listing, &sum);
    if (sum.damaged == 0)
        (void)fprintf(q->out, "whole: ");
    else
        (void)fprintf(q->out, "NOT WHOLE: %zu bad of ", sum.damaged);
    (void)fprintf(q->out, "%zu segments, %" PRIu64 " records, %" PRIu64 " commits\n", listing.count,
                  sum.records, sum.commits);
    log_listing_done(&listing);
    (void)close(dir_fd);
    return finish(q, sum.code);
}

/* stat */

struct topic_count {
    struct topic_count *next;
    char *name;
    uint64_t records;
};

struct summary {
    size_t segments;
    uint64_t bytes;
    uint64_t first_offset;
    uint64_t records;
    uint64_t commits;
    struct position position;
    struct topic_count *topics; /* newest first */
};

/* Asked once for each topic of each segment: the reader's topic then remembers it. */
static struct topic_count *count_of(struct summary *sum, const char *name)
{
    struct topic_count *count = sum->topics;

    while (count != NULL && strcmp(count->name, name) != 0)
        count = count->next;
    if (count == NULL) {
        count = mem_new(struct topic_count);
        *count = (struct topic_count){.next = sum->topics, .name = mem_text(name)};
        sum->topics = count;
    }
    return count;
}

static void count_record(struct summary *sum, const struct log_entry *entry)
{
    struct topic *topic = entry->record.topic;
    struct topic_count *count;

    if (topic->attached == NULL)
        topic->attached = count_of(sum, topic->name);
    count = topic->attached;
    count->records++;
    if (sum->records++ == 0)
        sum->first_offset = entry->offset;
}

static bool count_records(const char *directory, struct summary *sum, struct error *err)
{
    struct log_reader *reader = log_reader_open(directory, 0, err);
    struct log_entry entry;
    enum log_read got = LOG_READ_FAILED;

    if (reader == NULL)
        return false;
    while ((got = log_reader_next(reader, &entry, err)) == LOG_READ_RECORD ||
           got == LOG_READ_COMMIT)
        if (got == LOG_READ_RECORD) {
            count_record(sum, &entry);
        } else {
            sum->commits++;
            sum->position = entry.position;
        }
    log_reader_close(reader);
    return got == LOG_READ_END;
}

static bool count_files(const char *directory, struct summary *sum, struct error *err)
{
    struct log_listing listing = {0};
    struct stat status;
    int dir_fd;
    bool ok;

    if (!log_directory_open(directory, &dir_fd, err))
        return error_wrap(err, "log %s", directory);
    ok = log_listing_read(dir_fd, &listing, err);
    for (size_t i = 0; ok && i < listing.count; i++)
        if (fstatat(dir_fd, log_segment_name(listing.first_offsets[i]).text, &status, 0) == 0)
            sum->bytes += (uint64_t)status.st_size;
    sum->segments = listing.count;
    log_listing_done(&listing);
    (void)close(dir_fd);
    return ok || error_wrap(err, "log %s", directory);
}

static void print_time(FILE *out, int64_t us)
{
    int64_t within = us % 1000000 < 0 ? us % 1000000 + 1000000 : us % 1000000;
    time_t seconds = (time_t)((us - within) / 1000000);
    struct tm utc;
    char text[32];

    if (us == 0 || gmtime_r(&seconds, &utc) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        (void)fprintf(out, "commit_time       none\n");
    else
        (void)fprintf(out, "commit_time       %s.%06dZ\n", text, (int)within);
}

static void print_position(FILE *out, const struct position *p)
{
    if (!p->known) {
        (void)fprintf(out, "position          none\n");
        return;
    }
    (void)fprintf(out, "system_id         %" PRIu64 "\ntimeline          %" PRIu32 "\n",
                  p->system_id, p->timeline);
    (void)fprintf(out, "database          %s\nslot              %s\n", p->database, p->slot);
    (void)fprintf(out, "end_lsn           %s\n", lsn_format(p->end_lsn).text);
    (void)fprintf(out, "commit_lsn        %s\n", lsn_format(p->commit_lsn).text);
    (void)fprintf(out, "ordinal           %" PRIu64 "\n", p->ordinal);
    print_time(out, p->commit_us);
    (void)fprintf(out, "snapshot          %s\n", snapshot_state_name(p->snapshot));
    (void)fprintf(out, "consistent_point  %s\n", lsn_format(p->consistent_point).text);
}

static void print_summary(FILE *out, const struct summary *sum)
{
    (void)fprintf(out, "segments          %zu\nbytes             %" PRIu64 "\n", sum->segments,
                  sum->bytes);
    (void)fprintf(out, "records           %" PRIu64 "\n", sum->records);
    if (sum->records > 0)
        (void)fprintf(out, "offsets           %" PRIu64 " to %" PRIu64 "\n", sum->first_offset,
                      sum->first_offset + sum->records - 1);
    (void)fprintf(out, "commits           %" PRIu64 "\n", sum->commits);
    print_position(out, &sum->position);
    for (const struct topic_count *count = sum->topics; count != NULL; count = count->next)
        (void)fprintf(out, "topic             %s %" PRIu64 "\n", count->name, count->records);
}

/* Into the order of the alphabet. */
static void sort_topics(struct summary *sum)
{
    struct topic_count *left = sum->topics, *count, **at;

    sum->topics = NULL;
    while ((count = left) != NULL) {
        left = count->next;
        for (at = &sum->topics; *at != NULL && strcmp((*at)->name, count->name) < 0;)
            at = &(*at)->next;
        count->next = *at;
        *at = count;
    }
}

static void free_topics(struct summary *sum)
{
    struct topic_count *count;

    while ((count = sum->topics) != NULL) {
        sum->topics = count->next;
        free(count->name);
        free(count);
    }
}

static enum exit_code run_stat(const struct request *q)
{
    struct summary sum = {0};
    struct error err = {0};
    enum exit_code code = EXIT_OK;

    if (count_files(q->directory, &sum, &err) && count_records(q->directory, &sum, &err)) {
        sort_topics(&sum);
        print_summary(q->out, &sum);
    } else {
        code = report(q, &err);
    }
    free_topics(&sum);
    return finish(q, code);
}

/* The command line. */

static const struct {
    const char *name;
    enum exit_code (*run)(const struct request *q);
} verbs[] = {{"cat", run_cat}, {"verify", run_verify}, {"stat", run_stat}};

static bool parse_offset(const char *text, uint64_t *out)
{
    uint64_t value = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned)(unsigned char)*text - '0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* True when the arguments make sense. */
static bool parse(int argc, const char *const *argv, struct request *q)
{
    bool is_cat = strcmp(argv[0], "cat") == 0;

    for (int i = 1; i < argc; i++) {
        if (is_cat && strcmp(argv[i], "--topic") == 0 && i + 1 < argc) {
            q->topic = argv[++i];
        } else if (is_cat && strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
            if (!parse_offset(argv[++i], &q->from_offset))
                return false;
        } else if (argv[i][0] != '-' && q->directory == NULL) {
            q->directory = argv[i];
        } else {
            return false;
        }
    }
    return q->directory != NULL;
}

enum exit_code command_log(int argc, const char *const *argv, FILE *out, FILE *err)
{
    struct request q = {.out = out, .err = err};

    for (size_t i = 0; argc > 0 && i < ARRAY_LEN(verbs); i++)
        if (strcmp(argv[0], verbs[i].name) == 0 && parse(argc, argv, &q))
            return verbs[i].run(&q);
    (void)fprintf(err, "usage: millrace log cat DIR [--topic NAME] [--from OFFSET]\n"
                       "       millrace log verify DIR\n"
                       "       millrace log stat DIR\n");
    return EXIT_CONFIG;
}
