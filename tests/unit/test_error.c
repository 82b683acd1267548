#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/error.h"

static void text_grows_outwards(void **state)
{
    struct error err = {0};

    (void)state;
    assert_false(error_set(&err, ERROR_DATA, "INSERT malformed at byte %d of %d", 13, 14));
    assert_false(error_wrap(&err, "relation %s", "public.users"));
    assert_false(error_wrap(&err, "slot \"%s\"", "orders"));
    assert_int_equal(err.kind, ERROR_DATA);
    assert_int_equal(err.gap, GAP_NONE);
    assert_string_equal(err.text,
                        "slot \"orders\": relation public.users: INSERT malformed at byte 13"
                        " of 14");
}

static void gap_says_which(void **state)
{
    struct error err = {0};

    (void)state;
    assert_false(error_gap(&err, GAP_SLOT_MISSING, "slot \"%s\" is gone", "orders"));
    assert_int_equal(err.kind, ERROR_GAP);
    assert_int_equal(err.gap, GAP_SLOT_MISSING);
    assert_string_equal(err.text, "slot \"orders\" is gone");
}

static void os_adds_the_reason(void **state)
{
    struct error err = {0};
    char expect[128] = "log/0001: ";

    (void)state;
    assert_int_equal(strerror_r(ENOSPC, expect + strlen(expect), 64), 0);
    assert_false(error_os(&err, ENOSPC, "log/%04d", 1));
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(err.text, expect);
}

static void control_characters_are_replaced(void **state)
{
    struct error err = {0};

    (void)state;
    error_set(&err, ERROR_CONFIG, "table \"%s\" is gone", "a\nlevel=error\t\x1b[31m\x7f\xc3\xa9");
    assert_string_equal(err.text, "table \"a?level=error??[31m?\xc3\xa9\" is gone");
    error_wrap(&err, "a\rb");
    assert_string_equal(err.text, "a?b: table \"a?level=error??[31m?\xc3\xa9\" is gone");
}

static void long_texts_are_cut(void **state)
{
    struct error err = {0};
    char text[2 * ERROR_TEXT_BYTES];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_os(&err, ENOSPC, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_BYTES - 1);
    error_wrap(&err, "outer");
    assert_int_equal(strlen(err.text), ERROR_TEXT_BYTES - 1);
    assert_memory_equal(err.text, "outer: xxx", 10);
    error_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_BYTES - 1);
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (int kind = ERROR_NONE; kind <= ERROR_WAITING; kind++) {
        assert_string_not_equal(error_kind_name((enum error_kind)kind), "unknown");
        for (int other = ERROR_NONE; other < kind; other++)
            assert_string_not_equal(error_kind_name((enum error_kind)kind),
                                    error_kind_name((enum error_kind)other));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows_outwards), cmocka_unit_test(gap_says_which),
        cmocka_unit_test(os_adds_the_reason),  cmocka_unit_test(control_characters_are_replaced),
        cmocka_unit_test(long_texts_are_cut),  cmocka_unit_test(every_kind_has_a_name),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
