#include "millrace/patterns.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"

struct pattern {
    regex_t compiled;
    struct pattern *next;
};

/* The pattern must match the whole name, so it is wrapped; as a group, for the sake of a '|' in it.
 */
static bool compile(regex_t *out, const char *option, const char *pattern, struct error *err)
{
    size_t size = strlen(pattern) + sizeof "^()$";
    char *anchored = mem_zero(size, 1);
    char reason[128];
    int failure;

    (void)snprintf(anchored, size, "^(%s)$", pattern);
    failure = regcomp(out, anchored, REG_EXTENDED | REG_NOSUB);
    free(anchored);
    if (failure == 0)
        return true;
    (void)regerror(failure, out, reason, sizeof reason);
    return error_set(err, ERROR_CONFIG,
                     "%s: \"%s\" is not a regular expression (POSIX extended): %s", option, pattern,
                     reason);
}

bool pattern_set_add(struct pattern_set *set, const char *option, const char *pattern,
                     struct error *err)
{
    struct pattern *added = mem_new(struct pattern), **last = &set->first;

    if (!compile(&added->compiled, option, pattern, err)) {
        free(added);
        return false;
    }
    while (*last != NULL)
        last = &(*last)->next;
    *last = added;
    set->count++;
    return true;
}

bool pattern_set_add_all(struct pattern_set *set, const char *option,
                         const struct patterns *patterns, struct error *err)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (!pattern_set_add(set, option, patterns->at[i], err))
            return false;
    return true;
}

size_t pattern_set_find(const struct pattern_set *set, const char *name)
{
    size_t i = 0;

    for (const struct pattern *p = set->first; p != NULL; p = p->next, i++)
        if (regexec(&p->compiled, name, 0, NULL, 0) == 0)
            break;
    return i;
}

bool pattern_set_matches(const struct pattern_set *set, const char *name)
{
    return pattern_set_find(set, name) < set->count;
}

void pattern_set_done(struct pattern_set *set)
{
    while (set->first != NULL) {
        struct pattern *next = set->first->next;

        regfree(&set->first->compiled);
        free(set->first);
        set->first = next;
    }
    set->count = 0;
}
