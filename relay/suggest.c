#include "relay/suggest.h"

#include <string.h>

#define WORD_MAX ((size_t)127) /* what is longer is no slip of the finger */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row of his matrix at a time: row[j] is the cost of turning the first
 * i letters of a into the first j letters of b. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[WORD_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 0; i < a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t replace = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            row[j + 1] = least(replace, least(row[j], diagonal) + 1);
        }
    }
    return row[b_len];
}

/* "bootstrap_servers" for "kafka.bootstrap_servers": only the section was forgotten. */
static int is_tail(const char *word, size_t len, const char *candidate, size_t candidate_len)
{
    return len >= 4 && candidate_len > len && candidate[candidate_len - len - 1] == '.' &&
           memcmp(candidate + candidate_len - len, word, len) == 0;
}

void suggest_offer(struct suggestion *s, const char *candidate, const char *meaning)
{
    size_t len = strlen(s->word), candidate_len = strlen(candidate), cost;

    if (len == 0 || len > WORD_MAX || candidate_len > WORD_MAX)
        return;
    cost = is_tail(s->word, len, candidate, candidate_len)
               ? 1
               : distance(s->word, len, candidate, candidate_len);
    if (cost > (len + 2) / 3 || (s->best != NULL && cost >= s->distance))
        return;
    s->best = meaning;
    s->distance = cost;
}
