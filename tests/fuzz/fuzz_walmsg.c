#include "decoder/walmsg.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct walmsg m;

    if (!walmsg_decode(slice_of(data, size), &m, &err)) {
        require_refusal(&err, ERROR_DATA);
        return 0;
    }
    require(err.kind == ERROR_NONE);
    touch(m.payload);
    if (m.kind == WALMSG_DATA)
        require(data[0] == 'w' && m.payload.len == size - 25);
    else
        require(data[0] == 'k' && m.payload.len == 0 && size == 18);
    return 0;
}
