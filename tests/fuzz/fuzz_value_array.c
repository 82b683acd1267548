/* Input: one byte that chooses the delimiter, then the array's text. */
#include "sinks/value_array.h"
#include "tests/fuzz/fuzz.h"

static void check_element(const struct array_reader *r, struct slice text, struct buf *plain)
{
    require(r->element.at >= text.at && r->element.at + r->element.len <= text.at + text.len);
    array_unescape(r->element, plain);
    require(!plain->failed && plain->len <= r->element.len);
    require(r->escaped || slice_equal(buf_view(plain), r->element));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct array_reader r;
    enum array_token token;
    struct slice text;
    struct buf plain;
    int depth = 0;

    if (size == 0)
        return 0;
    text = slice_of(data + 1, size - 1);
    r = array_reader_over(text, data[0] % 2 == 0 ? ',' : ';');
    buf_init(&plain, size);
    do {
        token = array_reader_next(&r);
        depth += (token == ARRAY_OPEN) - (token == ARRAY_CLOSE);
        require(depth >= 0 && depth <= (int)ARRAY_DEPTH_MAX);
        if (token == ARRAY_ELEMENT)
            check_element(&r, text, &plain);
    } while (token != ARRAY_END && token != ARRAY_MALFORMED);
    require(token == ARRAY_MALFORMED || depth == 0);
    require(array_reader_next(&r) == token);
    buf_done(&plain);
    return 0;
}
