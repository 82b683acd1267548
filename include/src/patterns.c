#include "millrace/patterns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/mem.h"

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
    regex_t *compiled = mem_new(regex_t), **grown;

    if (!compile(compiled, option, pattern, err)) {
        free(compiled);
        return false;
    }
    grown = mem_zero(set->count + 1, sizeof *grown);
    if (set->count > 0)
        memcpy(grown, set->at, set->count * sizeof *grown);
    free(set->at);
    set->at = grown;
    set->at[set->count++] = compiled;
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

    while (i < set->count && regexec(set->at[i], name, 0, NULL, 0) != 0)
        i++;
    return i;
}

bool pattern_set_matches(const struct pattern_set *set, const char *name)
{
    return pattern_set_find(set, name) < set->count;
}

void pattern_set_done(struct pattern_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        regfree(set->at[i]);
        free(set->at[i]);
    }
    free(set->at);
    *set = (struct pattern_set){NULL, 0};
}
