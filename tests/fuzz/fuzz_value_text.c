/*
 * Input: a text, read by the parsers that have no target of their own: bytea and bits, hstore,
 * vectors, geometry, default expressions, and our own JSON on its way to Avro.  What each tells
 * lies in the text, is as long as it must be, and stays what it is when it is asked again.
 */
#include "sinks/avro_json.h"
#include "sinks/default_literal.h"
#include "sinks/value_bytes.h"
#include "sinks/value_geometry.h"
#include "sinks/value_hstore.h"
#include "sinks/value_vector.h"
#include "tests/fuzz/fuzz.h"

static bool lies_in(struct slice part, struct slice text)
{
    return part.at >= text.at && part.at + part.len <= text.at + text.len;
}

static void check_bytes(struct slice text, struct buf *work)
{
    if (bytes_read_hex(text, work))
        require(2 * work->len + 2 == text.len);
    if (bytes_read_digits(text, work))
        require(2 * work->len == text.len);
    if (bytes_read_bits(text, work))
        require(work->len <= (text.len + 7) / 8 &&
                (work->len == 0 || work->at[work->len - 1] != 0));
}

static void check_hstore(struct slice text)
{
    struct hstore_reader r = hstore_reader_over(text);
    enum hstore_token token;

    while ((token = hstore_reader_next(&r)) == HSTORE_PAIR) {
        require(lies_in(r.key, text) && (!r.has_value || lies_in(r.value, text)));
        touch(r.key);
    }
    require(hstore_reader_next(&r) == token);
}

static void check_vector(struct slice text, bool sparse)
{
    struct vector_reader r = vector_reader_over(text, sparse);
    enum vector_token token;

    while ((token = vector_reader_next(&r)) == VECTOR_NUMBER) {
        require(lies_in(r.number, text));
        require(!sparse || r.index >= 1);
    }
    require(vector_reader_next(&r) == token);
}

/* A head of five bytes, then counts and doubles. */
static void check_geometry(struct slice text, struct buf *work)
{
    static const enum geometry_kind kinds[] = {GEOMETRY_LSEG, GEOMETRY_BOX, GEOMETRY_PATH,
                                               GEOMETRY_POLYGON};
    struct geometry_point point;
    double numbers[3];
    bool flag;
    int32_t srid;

    if (geometry_read_point(text, &point, work))
        require(work->len == 21);
    (void)!geometry_read_line(text, numbers);
    if (geometry_read_circle(text, &point, numbers, work))
        require(work->len == 21);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (geometry_read_shape(text, kinds[i], work, &flag))
            require(work->len >= 9 && (work->len - 5) % 4 == 0);
    if (geometry_read_ewkb(text, work, &flag, &srid))
        require(2 * work->len == text.len);
}

static void check_json(struct slice text, struct buf *work)
{
    static const struct connect_schema number = {.base = CONNECT_INT32, .optional = true};
    static const struct connect_schema bytes = {.base = CONNECT_BYTES};
    static const struct connect_schema list = {.base = CONNECT_ARRAY, .items = &number};
    static const struct connect_schema map = {.base = CONNECT_MAP, .items = &bytes};
    static const struct connect_schema *const schemas[] = {&number, &bytes, &list, &map};
    struct buf scratch, again;

    buf_init(&scratch, 65536);
    buf_init(&again, 65536);
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        work->len = again.len = 0;
        if (avro_json_write(text, schemas[i], &scratch, work)) {
            require(avro_json_write(text, schemas[i], &scratch, &again));
            require(work->len > 0 && slice_equal(buf_view(work), buf_view(&again)));
        }
    }
    buf_done(&scratch);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1];
    struct slice text = slice_of(size == 0 ? nothing : data, size);
    struct buf work;

    buf_init(&work, 65536);
    check_bytes(text, &work);
    check_hstore(text);
    check_vector(text, false);
    check_vector(text, true);
    check_geometry(text, &work);
    check_json(text, &work);
    if (default_literal_read(text, &work))
        require(!work.failed && work.len <= text.len);
    buf_done(&work);
    return 0;
}
