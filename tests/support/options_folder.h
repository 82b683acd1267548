/* options_folder - configuration files to be loaded, in a folder of their own. */
#ifndef TESTS_SUPPORT_OPTIONS_FOLDER_H
#define TESTS_SUPPORT_OPTIONS_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "millrace/attr.h"
#include "relay/options.h"

#define FILE_NAME "millrace.yaml"

/* The least that is needed, one line each, so that what a case adds begins at line 4. */
#define BASE                                                                                       \
    "name: a-b\n"                                                                                  \
    "source.postgres: {host: h, database: d}\n"                                                    \
    "kafka.bootstrap_servers: k:9092\n"

static inline void write_file(const char *name, const void *bytes, size_t len, mode_t mode)
{
    FILE *file;

    (void)unlink(name); /* some file systems flush a file that is truncated and written again */
    file = fopen(name, "wb");
    assert_non_null(file);
    assert_true(len == 0 || fwrite(bytes, 1, len, file) == len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static inline void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text), 0600);
}

/* What options_write_effective says of one path: the text behind "path: "; to be freed. */
static inline char *effective(const struct options *options, const char *path)
{
    char *all = NULL, *at, *found = NULL;
    size_t size = 0, len = strlen(path);
    FILE *out = open_memstream(&all, &size);

    assert_non_null(out);
    options_write_effective(options, out);
    assert_int_equal(fclose(out), 0);
    for (at = all; at != NULL && *at != '\0' && found == NULL; at = strchr(at, '\n') + 1)
        if (strncmp(at, path, len) == 0 && at[len] == ':')
            found = strndup(at + len + 2, strcspn(at + len + 2, "\n"));
    free(all);
    return found;
}

/* Not a fixture of the group: its state would hide the rows'. */
static inline bool enter_folder(char *template)
{
    if (mkdtemp(template) == NULL || chdir(template) != 0)
        return false;
    return unsetenv("MR_NONE") == 0 && setenv("MR_USER", "anna", 1) == 0 &&
           setenv("MR_ODD", "\"${MR_USER}: \\\n#", 1) == 0 && setenv("MR_COUNT", "3", 1) == 0 &&
           setenv("MR_SECRET", "secret", 1) == 0 && setenv("MR_EMPTY", "", 1) == 0 &&
           setenv("MILLRACE_PASSWORD", "geheim", 1) == 0 &&
           setenv("MILLRACE_SALT", "geheim", 1) == 0 && setenv("PGPASSWORD", "geheim", 1) == 0 &&
           setenv("REGISTRY_PASSWORD", "geheim", 1) == 0 &&
           setenv("REGISTRY_TOKEN", "geheim", 1) == 0;
}

static inline bool leave_folder(const char *folder)
{
    static const char *const names[] = {FILE_NAME, "huge.yaml", "secret", "pipe"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)unlink(names[i]);
    return chdir("/") == 0 && rmdir(folder) == 0;
}

#endif
