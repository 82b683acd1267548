#include "sinks/route.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "millrace/buf.h"
#include "millrace/mem.h"

#define GROUPS_MAX 11 /* the whole, the wrapping group and nine of the rule's own */

struct route {
    regex_t match;
    const char *rule, *replace;
};

struct routes {
    struct route *at;
    size_t count;
};

/* Wrapped in a group, for the sake of a '|' in it: the rule's own groups begin at 2. */
static bool compile(struct route *route, const char *rule, struct error *err)
{
    static const char arrow[] = "=>";
    const char *found = strstr(rule, arrow);
    char *anchored;
    size_t size;
    int failure;

    if (found == NULL || found == rule || found[strlen(arrow)] == '\0')
        return error_set(err, ERROR_CONFIG,
                         "topics.route: \"%s\" must be a pattern, => and a name, such as "
                         "shop\\.public\\.(.*)=>shop.$1",
                         rule);
    size = (size_t)(found - rule) + sizeof "^()$";
    anchored = mem_zero(size, 1);
    (void)snprintf(anchored, size, "^(%.*s)$", (int)(found - rule), rule);
    failure = regcomp(&route->match, anchored, REG_EXTENDED);
    free(anchored);
    if (failure != 0)
        return error_set(err, ERROR_CONFIG,
                         "topics.route: \"%s\" does not begin with a regular expression (POSIX "
                         "extended)",
                         rule);
    route->rule = rule;
    route->replace = found + strlen(arrow);
    return true;
}

struct routes *routes_create(const struct patterns *rules, struct error *err)
{
    struct routes *routes = mem_new(struct routes);

    routes->at = mem_zero(rules->count + 1, sizeof *routes->at);
    for (; routes->count < rules->count; routes->count++) {
        if (!compile(&routes->at[routes->count], rules->at[routes->count], err)) {
            routes_destroy(routes);
            return NULL;
        }
    }
    return routes;
}

void routes_destroy(struct routes *routes)
{
    if (routes == NULL)
        return;
    for (size_t i = 0; i < routes->count; i++)
        regfree(&routes->at[i].match);
    free(routes->at);
    free(routes);
}

static void append_group(struct buf *out, const char *name, const regmatch_t *group)
{
    if (group->rm_so >= 0)
        buf_append(out, name + group->rm_so, (size_t)(group->rm_eo - group->rm_so));
}

static void expand(const char *replace, const char *name, const regmatch_t *groups, struct buf *out)
{
    for (; *replace != '\0'; replace++) {
        bool group =
            (*replace == '$' || *replace == '\\') && replace[1] >= '1' && replace[1] <= '9';

        if (group)
            append_group(out, name, &groups[*++replace - '1' + 2]);
        else
            buf_byte(out, (uint8_t)*replace);
    }
}

bool routes_apply(const struct routes *routes, struct topic_name *name, const char **out_rule,
                  struct error *err)
{
    regmatch_t groups[GROUPS_MAX];
    struct topic_name routed;
    struct buf text;
    size_t i = 0;
    bool fits;

    *out_rule = NULL;
    while (i < routes->count &&
           regexec(&routes->at[i].match, name->text, GROUPS_MAX, groups, 0) != 0)
        i++;
    if (i == routes->count)
        return true;
    buf_init(&text, SIZE_MAX);
    expand(routes->at[i].replace, name->text, groups, &text);
    fits = topic_name_of_text(buf_view(&text), &routed);
    buf_done(&text);
    if (!fits)
        return error_set(err, ERROR_CONFIG,
                         "topics.route: \"%s\" makes a name for topic %s that is empty or has more "
                         "than %d characters",
                         routes->at[i].rule, name->text, TOPIC_NAME_MAX);
    *name = routed;
    *out_rule = routes->at[i].rule;
    return true;
}
