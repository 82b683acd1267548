/* Adjusted names, against what Debezium 3.7's own classes return: SchemaNameAdjuster's AVRO,
 * AVRO_UNICODE, AVRO_FIELD_NAMER and AVRO_UNICODE_FIELD_NAMER, in this order. */
#include "sinks/name_adjust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "millrace/attr.h"

#define HOW_COUNT 4

static const struct {
    enum name_adjustment how;
    bool has_parts;
} hows[HOW_COUNT] = {{NAMES_AVRO, true},
                     {NAMES_AVRO_UNICODE, true},
                     {NAMES_AVRO, false},
                     {NAMES_AVRO_UNICODE, false}};

struct name_case {
    const char *name, *expect[HOW_COUNT];
};

static const struct name_case as_debezium[] = {
    {"plain", {"plain", "plain", "plain", "plain"}},
    {"a_b", {"a_b", "a_u005fb", "a_b", "a_u005fb"}},
    {"_", {"_", "_u005f", "_", "_u005f"}},
    {"_a", {"_a", "_u005fa", "_a", "_u005fa"}},
    {"a__b", {"a__b", "a_u005f_u005fb", "a__b", "a_u005f_u005fb"}},
    {"1a", {"_1a", "_u0031a", "_1a", "_u0031a"}},
    {"a1", {"a1", "a1", "a1", "a1"}},
    {"a b", {"a_b", "a_u0020b", "a_b", "a_u0020b"}},
    {"a-b", {"a_b", "a_u002db", "a_b", "a_u002db"}},
    {"a.b", {"a.b", "a.b", "a_b", "a_u002eb"}},
    {"a.b_c", {"a.b_c", "a.b_u005fc", "a_b_c", "a_u002eb_u005fc"}},
    {"Gr\303\274n", {"Gr_n", "Gr_u00fcn", "Gr_n", "Gr_u00fcn"}},
    {"gr\303\266\303\237e", {"gr__e", "gr_u00f6_u00dfe", "gr__e", "gr_u00f6_u00dfe"}},
    {"\345\220\215\345\211\215", {"__", "_u540d_u524d", "__", "_u540d_u524d"}},
    {"\360\237\230\200x", {"__x", "_ud83d_ude00x", "__x", "_ud83d_ude00x"}},
    {"x\360\237\230\200", {"x__", "x_ud83d_ude00", "x__", "x_ud83d_ude00"}},
    {"\342\202\254", {"_", "_u20ac", "_", "_u20ac"}},
    {"a$b", {"a_b", "a_u0024b", "a_b", "a_u0024b"}},
    {"\303\251", {"_", "_u00e9", "_", "_u00e9"}},
    {"1_a", {"_1_a", "_u0031_u005fa", "_1_a", "_u0031_u005fa"}},
    {"-a", {"_a", "_u002da", "_a", "_u002da"}},
    {"5-a", {"_5_a", "_u0035_u002da", "_5_a", "_u0035_u002da"}},
    {"", {"", "", "", ""}},
    {"_id", {"_id", "_u005fid", "_id", "_u005fid"}},
    {"a\331\243", {"a_", "a_u663", "a_", "a_u663"}},
    {"p.s.t-1.Value",
     {"p.s.t_1.Value", "p.s.t_u002d1.Value", "p_s_t_1_Value", "p_u002es_u002et_u002d1_u002eValue"}},
    {"p_q.pub.t.Value",
     {"p_q.pub.t.Value", "p_u005fq.pub.t.Value", "p_q_pub_t_Value",
      "p_u005fq_u002epub_u002et_u002eValue"}},
    {"\001x", {"_x", "_u001x", "_x", "_u001x"}},
    {"\303\277", {"_", "_u00ff", "_", "_u00ff"}},
    {"\304\200", {"_", "_u100", "_", "_u100"}},
    {".a", {"_a", "_u002ea", "_a", "_u002ea"}},
    {"x\177", {"x_", "x_u007f", "x_", "x_u007f"}},
    {"a..b", {"a..b", "a..b", "a__b", "a_u002e_u002eb"}},
};

/* To Debezium a part behind a dot does not begin with anything: it leaves 1s and 2t as they are. */
static const struct name_case as_avro_wants[] = {
    {"a.1b", {"a._1b", "a._1b", "a_1b", "a_u002e1b"}},
    {"1.2", {"_1._2", "_u0031._2", "_1_2", "_u0031_u002e2"}},
    {"0p.1s.2t.Key",
     {"_0p._1s._2t.Key", "_u0030p._1s._2t.Key", "_0p_1s_2t_Key",
      "_u0030p_u002e1s_u002e2t_u002eKey"}},
};

static void check(const struct name_case *c)
{
    struct buf out;

    buf_init(&out, 1000);
    for (size_t i = 0; i < HOW_COUNT; i++) {
        buf_reset(&out, 1000);
        name_adjust(slice_text(c->name), hows[i].how, hows[i].has_parts, &out);
        if (!slice_is(buf_view(&out), c->expect[i]))
            fail_msg("\"%s\" became \"%.*s\", not \"%s\"", c->name, SLICE_ARGS(buf_view(&out)),
                     c->expect[i]);
    }
    buf_reset(&out, 1000);
    name_adjust(slice_text(c->name), NAMES_AS_THEY_ARE, true, &out);
    assert_true(slice_is(buf_view(&out), c->name));
    buf_done(&out);
}

static void names_are_as_debezium_makes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(as_debezium); i++)
        check(&as_debezium[i]);
}

static void each_part_begins_as_avro_wants(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(as_avro_wants); i++)
        check(&as_avro_wants[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_as_debezium_makes_them),
        cmocka_unit_test(each_part_begins_as_avro_wants),
    };

    return cmocka_run_group_tests_name("name_adjust", tests, NULL, NULL);
}
