/* suggest - which word was meant by a misspelt one. */
#ifndef RELAY_SUGGEST_H
#define RELAY_SUGGEST_H

#include <stddef.h>

/* Begins as {.word = ...}; after every candidate was offered, `best` is the nearest, or NULL when
 * none is near enough to be what was meant. */
struct suggestion {
    const char *word;
    const char *best;
    size_t distance; /* of `best`, in letters inserted, removed or replaced */
};

/* `candidate` stands for `meaning`, which may be the same text. */
void suggest_offer(struct suggestion *s, const char *candidate, const char *meaning);

#endif
