/* Input: a byte that chooses the type, one that chooses the modes, then the value's text.  What is
 * written straight is what comes by way of JSON, and Avro C reads all of it. */
#include <string.h>

#include <avro.h>

#include "millrace/attr.h"
#include "sinks/avro_cell.h"
#include "sinks/avro_schema.h"
#include "sinks/connect_schema.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_types.h"

#define LIMIT_BYTES ((size_t)1 << 20)
#define ARENA_BYTES ((size_t)65536)

static void require_readable(const struct connect_schema *schema, enum avro_types types,
                             struct slice written)
{
    struct buf text;
    avro_schema_t parsed;
    avro_value_iface_t *class;
    avro_value_t value;
    avro_reader_t reader;
    char left;

    buf_init(&text, SIZE_MAX);
    avro_schema_write(schema, types, &text);
    require(avro_schema_from_json_length((const char *)text.at, text.len, &parsed) == 0);
    class = avro_generic_class_from_schema(parsed);
    require(avro_generic_value_new(class, &value) == 0);
    reader = avro_reader_memory((const char *)written.at, (int64_t)written.len);
    require(avro_value_read(reader, &value) == 0);
    require(avro_read(reader, &left, 1) != 0); /* nothing is left */
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(parsed);
    buf_done(&text);
}

/* The value is not optional: no branch in front of it. */
static void write(const struct column *column, const struct type_modes *modes, struct slice text)
{
    struct buf straight, detour;
    struct json_value json;
    struct avro_cell cell;
    struct semantic semantic;
    struct arena arena;
    const struct connect_schema *schema;
    enum encode_outcome first, second;

    arena_init(&arena, ARENA_BYTES);
    json_value_init(&json, LIMIT_BYTES);
    avro_cell_init(&cell, &json, LIMIT_BYTES);
    buf_init(&straight, LIMIT_BYTES);
    buf_init(&detour, LIMIT_BYTES);
    require(semantic_of(column, modes, &arena, &semantic));
    schema = connect_schema_of(&semantic, false, (struct slice){NULL, 0}, &arena);
    require(schema != NULL);
    first = avro_cell_write(&cell, &semantic, schema, text, &straight);
    second = avro_cell_write_json(&cell, &semantic, schema, text, &detour);
    if (first == ENCODE_DONE && second == ENCODE_DONE && !straight.failed && !detour.failed) {
        require(slice_equal(buf_view(&straight), buf_view(&detour)));
        require_readable(schema, modes->standard ? AVRO_TYPES_STANDARD : AVRO_TYPES_CONNECT,
                         buf_view(&straight));
    }
    buf_done(&straight);
    buf_done(&detour);
    avro_cell_done(&cell);
    json_value_done(&json);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_column column;
    struct type_modes modes;

    if (size < 2)
        return 0;
    fuzz_column_of(data[0], &column);
    if (column.semantic_is_sparse)
        return 0; /* sent as text where there are schemas */
    modes = fuzz_modes_of(data[1]);
    modes.standard = data[1] % 5 == 0;
    modes.strict = true;
    write(&column.column, &modes, slice_of(data + 2, size - 2));
    return 0;
}
