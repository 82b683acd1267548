#include <inttypes.h>

#include "millrace/position.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT_BYTES ((size_t)1 << 20)

/* What was read must come back just so from what is written of it. */
static void check_round_trip(const struct position *p)
{
    struct position again;
    struct error err = {0};
    struct buf first, second;

    buf_init(&first, LIMIT_BYTES);
    buf_init(&second, LIMIT_BYTES);
    position_encode(p, &first);
    require(!first.failed);
    require(position_decode(buf_view(&first), &again, &err));
    position_encode(&again, &second);
    require(slice_equal(buf_view(&first), buf_view(&second)));
    buf_done(&first);
    buf_done(&second);
}

static void decode(struct slice text)
{
    struct position p;
    struct error err = {0};

    if (position_decode(text, &p, &err)) {
        require(p.known && err.kind == ERROR_NONE);
        check_round_trip(&p);
    } else {
        require_refusal(&err, ERROR_GAP);
        require(err.gap == GAP_POSITION_UNREADABLE);
    }
}

/* Once as it is, and once with the right checksum behind it, which no fuzzer guesses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf signed_text;

    decode(slice_of(data, size));
    buf_init(&signed_text, size + 64);
    buf_append(&signed_text, data, size);
    buf_printf(&signed_text, "crc32c %08" PRIx32 "\n", crc32c(0, data, size));
    require(!signed_text.failed);
    decode(buf_view(&signed_text));
    buf_done(&signed_text);
    return 0;
}
