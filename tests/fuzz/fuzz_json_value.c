/* Input: a byte that chooses the type, one that chooses the modes, then the value's text. */
#include "millrace/attr.h"
#include "sinks/json_value.h"
#include "sinks/pg_oid.h"
#include "tests/fuzz/fuzz.h"

#define OID_EXTENSION 20001
#define LIMIT_BYTES ((size_t)1 << 20)

static const struct {
    uint32_t oid;
    const char *name;
} types[] = {
    {OID_BYTEA, "bytea"},
    {OID_INTERVAL, "interval"},
    {OID_DATE, "date"},
    {OID_TIME, "time"},
    {OID_TIMESTAMP, "timestamp"},
    {OID_TIMETZ, "timetz"},
    {OID_TIMESTAMPTZ, "tstz"},
    {OID_NUMERIC, "numeric"},
    {OID_MONEY, "money"},
    {OID_POINT, "point"},
    {OID_LINE, "line"},
    {OID_LSEG, "lseg"},
    {OID_BOX, "box"},
    {OID_PATH, "path"},
    {OID_POLYGON, "polygon"},
    {OID_CIRCLE, "circle"},
    {OID_EXTENSION, "hstore"},
    {OID_EXTENSION, "geometry"},
    {OID_EXTENSION, "geography"},
    {OID_EXTENSION, "vector"},
    {OID_EXTENSION, "halfvec"},
    {OID_EXTENSION, "sparsevec"},
    {OID_FLOAT4, "float4"},
    {OID_FLOAT8, "float8"},
    {OID_VARBIT, "varbit"},
    {OID_BOOL, "bool"},
};

static struct type_modes modes_of(uint8_t byte)
{
    return (struct type_modes){.decimal = (enum decimal_mode)(byte % 3),
                               .time = (enum time_mode)(byte / 3 % 6),
                               .interval = (enum interval_mode)(byte % 2),
                               .binary = (enum binary_mode)(byte % 4),
                               .hstore = (enum hstore_mode)(byte / 2 % 2),
                               .debezium = byte >= 128};
}

/* Every bracket outside a string is closed, and nothing follows the value. */
static void require_balanced(struct slice json)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < json.len; i++) {
        uint8_t c = json.at[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        require(depth >= 0);
    }
    require(json.len > 0 && depth == 0 && !quoted);
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
        require_balanced(buf_view(&out));
    buf_done(&out);
    json_value_done(&w);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct type type = {.kind = TYPE_BASE, .delimiter = ',', .base_typmod = -1};
    struct type array = {
        .oid = 30001, .kind = TYPE_BASE, .delimiter = ',', .element = &type, .base_typmod = -1};
    struct column column = {.typmod = -1};
    struct type_modes modes;

    if (size < 2)
        return 0;
    type.oid = types[data[0] % ARRAY_LEN(types)].oid;
    type.name = slice_text(types[data[0] % ARRAY_LEN(types)].name);
    column.type = data[0] >= 128 ? &array : &type;
    column.type_oid = column.type->oid;
    modes = modes_of(data[1]);
    write(&column, &modes, slice_of(data + 2, size - 2));
    return 0;
}
