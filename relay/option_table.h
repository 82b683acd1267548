/*
 * option_table - every option there is, described once.
 *
 * The parser of the file, --set, the help, the example file, the manual page and what is printed of
 * the configuration in force are all made from this table.  A new option is a field, a row, nothing
 * else.
 */
#ifndef RELAY_OPTION_TABLE_H
#define RELAY_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/suggest.h"

enum option_type {
    OPTION_TEXT,     /* const char * */
    OPTION_PATH,     /* const char *: of a file or folder */
    OPTION_BOOL,     /* bool */
    OPTION_INT32,    /* int32_t */
    OPTION_INT64,    /* int64_t or uint64_t */
    OPTION_DURATION, /* int64_t, milliseconds; written "500ms", "5s", "2m", "1h" */
    OPTION_SIZE,     /* size_t, bytes; written "64KiB", "16MiB", "1GiB", "100B" or a bare number */
    OPTION_SIZE64,   /* uint64_t, bytes; written likewise */
    OPTION_ENUM,     /* an enum: the index into choices */
    OPTION_LIST,     /* struct patterns */
    OPTION_MAP,      /* names and values: kafka.properties and its count */
};

struct option {
    const char *path; /* sections before the dots */
    enum option_type type;
    bool secret;            /* never printed; "file:PATH" reads the value from a file */
    bool shown;             /* not commented out in the example file */
    bool patterns;          /* a list of regular expressions */
    size_t offset;          /* in struct options */
    const char *by_default; /* as it would be written; NULL: none, see derived */
    const char *derived;    /* in words, what it is when it is not given */
    const char *sample;     /* for the example file, where the default says nothing */
    const char *known_as;   /* its name in Debezium or Kafka: suggested to those who write that */
    int64_t least, most;    /* of numbers, durations (ms) and sizes (bytes) */
    const char *const
        *choices;        /* NULL at the end; of an enum in its order; of a text all it may be */
    const char *letters; /* of a text: all it may consist of; NULL: anything */
    size_t longest;      /* of a text, in bytes; 0: no limit */
    const char *help;    /* one sentence, with the reason for the default */
};

/* All of them, each section in one piece. */
const struct option *option_table(size_t *out_count);
/* NULL when there is none of that path. */
const struct option *option_find(const char *path);
/* The map option that `path` names an entry of, with the entry's name: kafka.properties.linger.ms
 * -> linger.ms. */
const struct option *option_find_map(const char *path, const char **out_name);
/* The option, not a map, that `path` wrongly goes on behind: name.first -> name.  NULL when there
 * is none. */
const struct option *option_find_above(const char *path);
/* Do options begin with "path."? */
bool option_is_section(const char *path);
/* The path that was probably meant; NULL when nothing is near. */
const char *option_suggest(const char *path);
/* May an entry of that name in the map hold a password or key? */
bool option_entry_is_secret(const char *name);

#endif
