/* Input: a byte that chooses the type, one that chooses the modes, then the value's text.  What is
 * written is JSON. */
#include <string.h>

#include <jansson.h>

#include "sinks/json_value.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_types.h"

#define LIMIT_BYTES ((size_t)1 << 20)

/* UTF-8 without NUL: PostgreSQL sends nothing else. */
static bool is_text(struct slice text)
{
    json_t *string = json_stringn((const char *)text.at, text.len);

    json_decref(string);
    return string != NULL && memchr(text.at, 0, text.len) == NULL;
}

/* jansson reads it; numbers beyond its 64 bits stay whole numbers of any size in JSON. */
static void require_json(struct slice json)
{
    json_error_t error;
    json_t *read = json_loadb((const char *)json.at, json.len, JSON_DECODE_ANY, &error);

    require(read != NULL || json_error_code(&error) == json_error_numeric_overflow);
    json_decref(read);
}

static void write(const struct column *column, const struct type_modes *modes, struct slice text)
{
    struct semantic semantic;
    struct json_value w;
    struct arena arena;
    struct buf out;

    arena_init(&arena, 4096);
    json_value_init(&w, LIMIT_BYTES);
    buf_init(&out, LIMIT_BYTES);
    require(semantic_of(column, modes, &arena, &semantic));
    if (json_value_write(&w, &semantic, text, &out) && !out.failed)
        require_json(buf_view(&out));
    buf_done(&out);
    json_value_done(&w);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_column column;
    struct type_modes modes;

    if (size < 3 || !is_text(slice_of(data + 2, size - 2)))
        return 0;
    fuzz_column_of(data[0], &column);
    modes = fuzz_modes_of(data[1]);
    write(&column.column, &modes, slice_of(data + 2, size - 2));
    return 0;
}
