#include "millrace/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *mem_zero(size_t count, size_t size)
{
    void *got = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);

    if (got == NULL) {
        (void)fputs("millrace: out of memory\n", stderr);
        abort();
    }
    return got;
}

char *mem_text(const char *text)
{
    size_t len;
    char *copy;

    if (text == NULL)
        return NULL;
    len = strlen(text) + 1;
    copy = mem_zero(len, 1);
    memcpy(copy, text, len);
    return copy;
}
