#include <string.h>

#include "millrace/attr.h"

#include "relay/option_table.h"

const struct option *option_find(const char *path)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].path, path) == 0)
            return &options[i];
    return NULL;
}

/* What follows "section." in path; NULL when path is not in that section. */
static const char *inside(const char *path, const char *section)
{
    size_t len = strlen(section);

    return strncmp(path, section, len) == 0 && path[len] == '.' ? path + len + 1 : NULL;
}

const struct option *option_find_map(const char *path, const char **out_name)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t i = 0; i < count; i++) {
        const char *name = options[i].type == OPTION_MAP ? inside(path, options[i].path) : NULL;

        if (name != NULL && *name != '\0') {
            *out_name = name;
            return &options[i];
        }
    }
    return NULL;
}

const struct option *option_find_above(const char *path)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t i = 0; i < count; i++)
        if (options[i].type != OPTION_MAP && inside(path, options[i].path) != NULL)
            return &options[i];
    return NULL;
}

bool option_is_section(const char *path)
{
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t i = 0; i < count; i++)
        if (inside(options[i].path, path) != NULL)
            return true;
    return false;
}

const char *option_suggest(const char *path)
{
    struct suggestion meant = {.word = path};
    size_t count;
    const struct option *options = option_table(&count);

    for (size_t i = 0; i < count; i++) {
        suggest_offer(&meant, options[i].path, options[i].path);
        if (options[i].known_as != NULL)
            suggest_offer(&meant, options[i].known_as, options[i].path);
    }
    return meant.best;
}

bool option_entry_is_secret(const char *name)
{
    static const char *const words[] = {"password", "secret",  "jaas",
                                        "key.pem",  "private", "token"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(name, words[i]) != NULL)
            return true;
    return false;
}
