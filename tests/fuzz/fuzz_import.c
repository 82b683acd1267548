/* Input: the configuration of a connector, as properties or JSON. */
#include "relay/import_debezium.h"
#include "relay/import_properties.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT_BYTES ((size_t)16 << 20)

/* Whatever the properties hold, each note is one comment. */
static void require_comments(struct slice yaml)
{
    for (size_t i = 0; i < yaml.len; i++)
        require(yaml.at[i] >= 0x20 || yaml.at[i] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena memory;
    struct property *properties;
    struct imported imported;
    struct error err = {0};
    struct buf yaml;
    bool ok;

    arena_init(&memory, LIMIT_BYTES);
    buf_init(&yaml, LIMIT_BYTES);
    ok = import_properties_read("input", slice_of(data, size), &memory, &properties, &err) &&
         import_debezium(properties, &memory, &imported, &err);
    if (ok) {
        import_write(&imported, "input", &yaml);
        require_comments(buf_view(&yaml));
    } else {
        require_refusal(&err, ERROR_CONFIG);
    }
    buf_done(&yaml);
    arena_done(&memory);
    return 0;
}
