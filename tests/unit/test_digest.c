#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include <cmocka.h>

#include "sinks/digest.h"
#include "tests/support/block.h"

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

/* From RFC 1321's examples and Python's hashlib. */
static struct digest_case md5_cases[] = {
    {"", "", 0, "d41d8cd98f00b204e9800998ecf8427e", NULL},
    {"", "abc", 1, "900150983cd24fb0d6963f7d28e17f72", NULL},
    {"", "1234567890", 8, "57edf4a22be3c955ac49da2e2107b67a", NULL},
    {"", "__debezium_unavailable_value", 1, "b68a35a717adc5b3ef2aae46edb4545a", NULL},
};

/* How often OpenSSL has asked for memory; it takes its functions before its first call only. */
static size_t allocations;

static void *count_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(size);
}

static void *count_realloc(void *at, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(at, size);
}

static void count_free(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    free(at);
}

static struct digest *made(enum digest_kind kind)
{
    struct error err = {0};
    struct digest *d = digest_create(kind, &err);

    if (d == NULL)
        fail_msg("%s", err.text);
    return d;
}

static void expect(struct digest *d, struct slice salt, struct slice text, const char *wanted)
{
    char got[2 * DIGEST_BYTES_MAX + 1] = "";
    uint8_t out[DIGEST_BYTES_MAX];
    size_t len = digest_of(d, salt, text, out);

    for (size_t i = 0; i < len; i++)
        (void)snprintf(got + 2 * i, 3, "%02x", out[i]);
    assert_string_equal(got, wanted);
}

static struct slice text_of(const struct digest_case *c)
{
    size_t len = strlen(c->text);
    char text[512];

    for (size_t i = 0; i < c->repeat; i++)
        memcpy(text + i * len, c->text, len);
    return block_copy(text, len * c->repeat);
}

/* The same one for all: what was before must not show. */
static void digests(enum digest_kind kind, const struct digest_case *cases, size_t count)
{
    struct digest *d = made(kind);

    for (size_t i = 0; i < count; i++) {
        struct slice text = text_of(&cases[i]);

        expect(d, slice_text(cases[i].salt), text,
               kind == DIGEST_SHA_512 ? cases[i].sha512 : cases[i].sha256);
        block_free(text);
    }
    digest_destroy(d);
}

static void sha_256(void **state)
{
    (void)state;
    digests(DIGEST_SHA_256, digest_cases, ARRAY_LEN(digest_cases));
}

static void sha_512(void **state)
{
    (void)state;
    digests(DIGEST_SHA_512, digest_cases, ARRAY_LEN(digest_cases));
}

static void md5(void **state)
{
    (void)state;
    digests(DIGEST_MD5, md5_cases, ARRAY_LEN(md5_cases));
}

/* OpenSSL 3.0 makes its hundred bytes of state anew for each text, newer ones keep them; nothing
 * else may be added to that. */
static void steady_state_is_frugal(void **state)
{
    static const enum digest_kind kinds[] = {DIGEST_MD5, DIGEST_SHA_256, DIGEST_SHA_512};
    uint8_t out[DIGEST_BYTES_MAX];

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct digest *d = made(kinds[k]);
        size_t before;

        assert_true(digest_of(d, slice_text("salt"), slice_text("first"), out) > 0);
        before = allocations;
        assert_true(before > 0); /* they are counted */
        for (int i = 0; i < 1000; i++)
            assert_true(digest_of(d, slice_text("salt"), slice_text("value"), out) > 0);
        assert_true(allocations <= before + 1000);
        digest_destroy(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha_256),
        cmocka_unit_test(sha_512),
        cmocka_unit_test(md5),
        cmocka_unit_test(steady_state_is_frugal),
    };

    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
        return 1;
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
