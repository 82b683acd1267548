/* exit_code - what the program's exit status means, in one place: code, help text and manual. */
#ifndef RELAY_EXIT_CODE_H
#define RELAY_EXIT_CODE_H

#include "millrace/error.h"

enum exit_code {
    EXIT_OK = 0,          /* ended as asked (SIGTERM, a finite source) */
    EXIT_FAULT = 1,       /* link that did not come back in time, memory, disk */
    EXIT_CONFIG = 2,      /* usage or configuration: change it, then start again */
    EXIT_DATA = 3,        /* bytes that make no sense: a bug or a damaged source */
    EXIT_FENCED = 4,      /* another instance of this relay runs */
    EXIT_INTERRUPTED = 5, /* a second signal: left at once; safe, nothing was lost */
    EXIT_SLOT_MISSING = 20,
    EXIT_SLOT_INVALIDATED = 21,
    EXIT_SLOT_FOREIGN = 22,
    EXIT_SLOT_AHEAD = 23,
    EXIT_SLOT_WITHOUT_POSITION = 24,
    EXIT_PUBLICATION_MISSING = 25,
    EXIT_OTHER_CLUSTER = 26,
    EXIT_OTHER_TIMELINE = 27,
    EXIT_BEYOND_WAL = 28,
    EXIT_POSITION_UNREADABLE = 29,
};

enum exit_code exit_code_of(const struct error *err);

struct exit_code_help {
    enum exit_code code;
    const char *name;
    const char *help; /* what it means and what to do, one sentence each */
};

/* All of them, ascending. */
const struct exit_code_help *exit_code_list(unsigned *out_count);

#endif
