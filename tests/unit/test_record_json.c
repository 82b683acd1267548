#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/record_json.h"

#define BYTES(text)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

struct value_row {
    struct slice value;
    const char *expect;
};

static const struct value_row rows[] = {
    {BYTES("{\"id\":1}"), "{\"id\":1}"},
    {BYTES("\0\0\0\1\241\2"), "{\"avro_id\":417,\"base64\":\"Ag==\"}"},
    {BYTES("\0\377\377\377\377"), "{\"avro_id\":4294967295,\"base64\":\"\"}"},
};

static void test_value(void **state)
{
    struct topic topic = {.name = "t"};
    struct buf out;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct record record = {.topic = &topic, .has_value = true, .value = rows[i].value};
        char expect[200];

        buf_init(&out, SIZE_MAX);
        record_json_append(&out, &record, NULL);
        buf_byte(&out, '\0');
        (void)snprintf(expect, sizeof expect,
                       "{\"topic\":\"t\",\"key\":null,\"value\":%s,\"headers\":{}}\n",
                       rows[i].expect);
        assert_string_equal((const char *)out.at, expect);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_value)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
