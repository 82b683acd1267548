#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "millrace/attr.h"
#include "sinks/pg_oid.h"
#include "sinks/route.h"
#include "sinks/rules.h"
#include "sinks/sha2.h"
#include "tests/support/block.h"

static struct patterns list(const char *const *at)
{
    struct patterns patterns = {at, 0};

    while (at != NULL && at[patterns.count] != NULL)
        patterns.count++;
    return patterns;
}

#define LIST(...) list((const char *const[]){__VA_ARGS__, NULL})

static struct rules *made(const struct rule_options *options)
{
    struct error err = {0};
    struct rules *rules = rules_create(options, &err);

    assert_non_null(rules);
    return rules;
}

/* ---- digests */

struct digest_case {
    const char *salt, *text;
    size_t repeat; /* of the text */
    const char *sha256, *sha512;
};

/* From FIPS 180-4's examples and Python's hashlib; lengths around a block's end. */
static struct digest_case digest_cases[] = {
    {"", "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877ee"
     "c2f63b931bd47417a81a538327af927da3e"},
    {"", "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "bbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"a", "bc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "bbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
     "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c33596fd15c13b1b07f9aa1d3bea57789"
     "ca031ad85c7a71dd70354ec631238ca3445"},
    {"", "x", 55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072",
     "db9981645857e59805132f7699e78bbcf39f69380a41aac8e6fa158a0593f2017ffe48764687aa855dae3023fccee"
     "fd51a1551d57730423df18503e80ba381ba"},
    {"", "x", 56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e",
     "a9436ec7761f9f0d5fa48e652d72b54622f763b36106e6551900b32f6cd7f4d88dbeaadeb866d7f5311663eda3bbc"
     "da04ffb5a8e6779e14b84e95da5327c083e"},
    {"", "x", 63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2",
     "a6662db83dd0037dd13091be284aa0ece35d796b1cefe154a8ae10f7910a1f3cc6a097c0e8d068ca10099c5d0bfea"
     "d8cefb93d4588b3a546017aa9a0f0509c12"},
    {"", "x", 64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c",
     "791c91ff44685987a5c01d2811eede6f3a28d65e43709953c295931afc4941251e3a5dccbacabaf01dd729589b1c4"
     "d47da93f6991c414f21188fb8449a2d1064"},
    {"", "x", 65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9",
     "460d9da1179e60cf8ee45d2c687e45c963611cdf87d24f006e503608ddf286344cffdc6d4ecdc58ee6b0aa83dad62"
     "5629e4bb0c22b0161135ea53597a4106850"},
    {"", "x", 111, "5ba60613dba318e9ed9020301e5dc59c721c19d82862e4d03718708aa75d2bad",
     "9a2a120825c2319867758ec277924f6faa254968bf752046dacdd948d8ad299b10359fd04bfd7d3810b5fa1b16a29"
     "4236138baff981cbb85248478053ac4d3dd"},
    {"", "x", 112, "87bf6e70ecc829aa717756ac6797b82de8b30fca1281ea1659df31949839fc6b",
     "a3722b515ef40c910f2419f6e0da8ca51d410114ce6272faae64045f9e9f630e7fa8dd5a3243c9860b899d148c3da"
     "4bc0f9e07454542604d030bb55531fe0d5b"},
    {"", "x", 127, "70156a14adbabf98cff3a71c7084b417abf057a8efd27329ca36b7202c87d81f",
     "1d5a8893e7b7ed83d485d26f88cfb846f3760279916976fe538e539fc16f7cd19ba3e1c2cd5fda78749a74205755c"
     "df694e8fa90b2bfed8815f406af76c1d7bf"},
    {"", "x", 128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464",
     "e2e22f8422b54b06e35c3ea30a383d1de7a8fbc27992923074103117020d8dd7024c3ecf7d6d1a15a6de5a75ff32f"
     "b486b9e8ced4c02ffe05822bf2cb734d0e0"},
    {"", "x", 129, "0ec9eb33e74510bcdd1f2ea55206e82f21649c5c2becbf2b433eb475b34c01bd",
     "19015483ea99fa74728fd7b13adba6b729cfa4ab7c388573efa2641d2af0577f24dd51acbaeec41a7a11d10f6c4e6"
     "8a3b90e7b2348c678486a4365c9d9101cdd"},
    {"", "x", 240, "718df6704d8a06104f8188195d17166c1276cffc91da8c756b925d29dcc60a71",
     "3e05caa7e0fddab685e6052bd902c316505180504344d00b1217e1349a532d1d0e5ce4b24d69eea3aca369dc16d8b"
     "bdf872b2fe1770e0e1aad22f84e0519bc6c"},
    {"CzQMA0cB5K", "x", 118, "fda4906810b3db3f38c74218665f8452cc9b3d19694305f9c604e971ffae956a",
     "8c3be9ff3d9a069674fc5e8b45010b5240ed68326fbdd57032e1dfb4b6dc8d7f902559540ce9c01e97f0a231c04d3"
     "a027f5f595e8f82511c5cf54b9a51096fac"},
};

static void hex(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void digests(void **state)
{
    const struct digest_case *c = *state;
    size_t len = strlen(c->text);
    char text[512], got[2 * SHA512_BYTES + 1];
    uint8_t out[SHA512_BYTES];
    struct slice block;

    for (size_t i = 0; i < c->repeat; i++)
        memcpy(text + i * len, c->text, len);
    block = block_copy(text, len * c->repeat);
    sha256(slice_text(c->salt), block, out);
    hex(out, SHA256_BYTES, got);
    assert_string_equal(got, c->sha256);
    sha512(slice_text(c->salt), block, out);
    hex(out, SHA512_BYTES, got);
    assert_string_equal(got, c->sha512);
    block_free(block);
}

/* ---- what is skipped */

struct skip_case {
    const char *name;
    const char *prefix;
    enum event_kind kind;
    bool skipped;
};

static struct skip_case skip_cases[] = {
    {"an insert", NULL, EVENT_INSERT, false},
    {"an update", NULL, EVENT_UPDATE, true},
    {"a delete", NULL, EVENT_DELETE, true},
    {"a truncate", NULL, EVENT_TRUNCATE, false},
    {"a row of the snapshot", NULL, EVENT_READ, false},
    {"a commit", NULL, EVENT_COMMIT, false},
    {"a message that is included", "audit.login", EVENT_MESSAGE, false},
    {"a message that is not", "audi", EVENT_MESSAGE, true},
    {"a message that is excluded again", "audit.secret", EVENT_MESSAGE, true},
    {"a message without prefix", "", EVENT_MESSAGE, true},
};

static void skips(void **state)
{
    const struct skip_case *c = *state;
    struct rules *rules = made(&(struct rule_options){
        .skipped_operations = LIST("u", "d"),
        .messages_include = LIST("audit.*"),
        .messages_exclude = LIST("audit\\.secret"),
    });
    struct event event = {.kind = c->kind};

    if (c->prefix != NULL)
        event.prefix = block_copy(c->prefix, strlen(c->prefix));
    assert_int_equal(rules_skip(rules, &event), c->skipped);
    if (c->prefix != NULL)
        block_free(event.prefix);
    rules_destroy(rules);
}

static void skips_nothing_by_default(void **state)
{
    struct rules *rules = made(&(struct rule_options){.skipped_operations = LIST("none")});

    (void)state;
    for (int kind = EVENT_BEGIN; kind <= EVENT_PROGRESS; kind++)
        assert_false(rules_skip(rules, &(struct event){.kind = (enum event_kind)kind}));
    rules_destroy(rules);
}

/* ---- columns */

#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static struct column columns[] = {
    {.name = NAME("phone"), .type_oid = OID_TEXT, .typmod = -1},
    {.name = NAME("email"), .type_oid = OID_VARCHAR, .typmod = 34},
    {.name = NAME("name"), .type_oid = OID_TEXT, .typmod = -1},
    {.name = NAME("note"), .type_oid = OID_TEXT, .typmod = -1},
    {.name = NAME("other"), .type_oid = OID_TEXT, .typmod = -1},
};
static const struct relation people = {
    .schema = NAME("public"), .name = NAME("p"), .columns = columns, .column_count = 5};

struct hide_case {
    size_t column;
    const char *text, *expect;
};

/* The digests are what Debezium 3.7 wrote (column.mask.hash.v2.SHA-512), cut to varchar(30). */
static struct hide_case hide_cases[] = {
    {0, "555-1234", "******"},
    {0, "", "******"},
    {1, "Ann", "13e2e31b9c75a12a52f3614f9b3963"},
    {2, "Ann",
     "13e2e31b9c75a12a52f3614f9b3963daadc07b95d161084d166c51282edd7ae0f9fd02324d46d53a66a918ec84aec"
     "5"
     "003b167438dc090b98679660d786db8d35"},
    {3, "a long tail", "a lon"},
    {3, "ab", "ab"},
    {3, "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9",
     "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"},
    {3, "abcd\xF0\x9F\x98\x80", "abcd"},
    {3, "abc\xF0\x9F\x98\x80z", "abc\xF0\x9F\x98\x80"},
    {3, "abcd\xC3", "abcd\xC3"},
    {4, "as it is", "as it is"},
};

static void hides(void **state)
{
    const struct hide_case *c = *state;
    struct rules *rules = made(&(struct rule_options){
        .mask = LIST("6:public\\.p\\.(phone|fax)"),
        .hash = LIST("public\\.p\\.(email|name)"),
        .truncate = LIST("5:.*\\.note", "1:.*\\.note"),
        .hash_algorithm = HASH_SHA_512,
        .hash_salt = "CzQMA0cB5K",
    });
    struct column_rule rule = rules_column(rules, &people, &columns[c->column]);
    struct slice text = block_copy(c->text, strlen(c->text));
    struct buf out;

    buf_init(&out, 4096);
    rules_hide(rules, &rule, text, &out);
    buf_byte(&out, 0);
    assert_string_equal((const char *)out.at, c->expect);
    buf_done(&out);
    block_free(text);
    rules_destroy(rules);
}

/* ---- keys */

struct key_case {
    const char *rule;
    int count; /* -1: refused */
    uint16_t key[2];
};

static struct key_case key_cases[] = {
    {"public\\.p:name,email", 2, {2, 1}}, {"(public|x)\\.p:other", 1, {4, 0}},
    {"public\\.q:name", 0, {0, 0}},       {"public\\.p:absent", -1, {0, 0}},
    {"public\\.p:name,", 1, {2, 0}},      {"public\\.p:name,,email", -1, {0, 0}},
};

static void makes_keys(void **state)
{
    const struct key_case *c = *state;
    struct rules *rules = made(&(struct rule_options){.key_columns = LIST(c->rule)});
    struct error err = {0};
    uint16_t key[5] = {0};

    assert_int_equal(rules_key(rules, &people, key, &err), c->count);
    assert_int_equal(err.text[0] != '\0', c->count < 0);
    for (int i = 0; i < c->count; i++)
        assert_int_equal(key[i], c->key[i]);
    rules_destroy(rules);
}

/* ---- routes */

struct route_case {
    const char *name, *expect; /* NULL: refused */
};

static struct route_case route_cases[] = {
    {"p.public.orders_2024", "p.orders"},
    {"p.public.orders_x", "p.public.orders_x"},
    {"p.other.t", "t-in-other-"},
    {"xp.other.t", "xp.other.t"},
    {"left", "_3"},
    {"empty", NULL},
    {"long", NULL},
};

static void routes(void **state)
{
    const struct route_case *c = *state;
    char too_long[TOPIC_NAME_MAX + sizeof "long=>x"] = "long=>";
    struct patterns rules;
    struct routes *made_routes;
    struct topic_name name;
    struct error err = {0};
    const char *rule;
    bool applied;

    memset(too_long + strlen(too_long), 'x', TOPIC_NAME_MAX + 1);
    rules = LIST("p\\.public\\.orders_[0-9]+=>p.orders", "p\\.(other)\\.(.*)=>$2-in-\\1-$3",
                 "left|right=>$3\xC3\xA9\x33", "(x?)empty=>$1", too_long);
    made_routes = routes_create(&rules, &err);
    assert_non_null(made_routes);
    assert_true(topic_name_of_text(slice_text(c->name), &name));
    applied = routes_apply(made_routes, &name, &rule, &err);
    assert_int_equal(applied, c->expect != NULL);
    if (c->expect != NULL) {
        assert_string_equal(name.text, c->expect);
        assert_int_equal(rule != NULL, strcmp(c->name, c->expect) != 0);
    }
    routes_destroy(made_routes);
}

static void refuses_routes(void **state)
{
    static const char *const malformed[] = {"", "=>a", "a=>", "a", "(=>a"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        struct error err = {0};

        assert_null(routes_create(&(struct patterns){&malformed[i], 1}, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
    }
}

/* ---- malformed rules */

struct refused_case {
    const char *name; /* begins the error */
    struct rule_options options;
};

static const char *const no_operation[] = {"x"}, *const no_regex[] = {"("},
                         *const no_number[] = {"public.p.a"}, *const negative[] = {"-1:a"},
                         *const huge[] = {"1000001:a"}, *const no_table[] = {":a"},
                         *const no_columns[] = {"public.p:"}, *const no_colon[] = {"public.p"},
                         *const bad_pattern[] = {"5:("}, *const bad_table[] = {"(:a"};

static struct refused_case refused_cases[] = {
    {"topics.skipped_operations", {.skipped_operations = {no_operation, 1}}},
    {"messages.include", {.messages_include = {no_regex, 1}}},
    {"messages.exclude", {.messages_exclude = {no_regex, 1}}},
    {"columns.hash", {.hash = {no_regex, 1}}},
    {"columns.truncate", {.truncate = {no_number, 1}}},
    {"columns.truncate", {.truncate = {bad_pattern, 1}}},
    {"columns.mask", {.mask = {negative, 1}}},
    {"columns.mask", {.mask = {huge, 1}}},
    {"topics.key_columns", {.key_columns = {no_table, 1}}},
    {"topics.key_columns", {.key_columns = {no_columns, 1}}},
    {"topics.key_columns", {.key_columns = {no_colon, 1}}},
    {"topics.key_columns", {.key_columns = {bad_table, 1}}},
};

static void refuses(void **state)
{
    const struct refused_case *c = *state;
    struct error err = {0};

    assert_null(rules_create(&c->options, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_int_equal(strncmp(err.text, c->name, strlen(c->name)), 0);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(digest_cases) + ARRAY_LEN(skip_cases) +
                            ARRAY_LEN(hide_cases) + ARRAY_LEN(key_cases) +
                            ARRAY_LEN(refused_cases) + ARRAY_LEN(route_cases) + 2];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(digest_cases); i++)
        tests[n++] = (struct CMUnitTest){"digest", digests, NULL, NULL, &digest_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(skip_cases); i++)
        tests[n++] = (struct CMUnitTest){skip_cases[i].name, skips, NULL, NULL, &skip_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(hide_cases); i++)
        tests[n++] = (struct CMUnitTest){hide_cases[i].text, hides, NULL, NULL, &hide_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(key_cases); i++)
        tests[n++] = (struct CMUnitTest){key_cases[i].rule, makes_keys, NULL, NULL, &key_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(refused_cases); i++)
        tests[n++] =
            (struct CMUnitTest){refused_cases[i].name, refuses, NULL, NULL, &refused_cases[i]};
    for (size_t i = 0; i < ARRAY_LEN(route_cases); i++)
        tests[n++] = (struct CMUnitTest){route_cases[i].name, routes, NULL, NULL, &route_cases[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(refuses_routes);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(skips_nothing_by_default);
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
