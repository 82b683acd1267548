/* Input: the number's text.  Digits and bytes must leave the same remainder; floats must be spelt
 * so that they are the same number. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/value_numeric.h"
#include "tests/fuzz/fuzz.h"

#define PRIME UINT64_C(1000000007)
#define WORK_BYTES ((size_t)1 << 20)

static uint64_t remainder_of_digits(struct slice digits, uint64_t before)
{
    for (size_t i = 0; i < digits.len; i++)
        before = (before * 10 + (uint64_t)(digits.at[i] - '0')) % PRIME;
    return before;
}

static uint64_t remainder_of_bytes(struct slice bytes, bool negative)
{
    uint64_t got = 0;

    for (size_t i = 0; i < bytes.len; i++)
        got = (got * 256 + (negative ? (uint8_t)~bytes.at[i] : bytes.at[i])) % PRIME;
    return (got + (negative ? 1 : 0)) % PRIME;
}

static void check_numeric(struct slice text)
{
    struct numeric n;
    struct slice bytes;
    struct buf work;

    if (!numeric_read(text, &n))
        return;
    require(numeric_decimals(&n) <= n.fraction.len);
    buf_init(&work, WORK_BYTES);
    require(numeric_unscaled(&n, (int64_t)n.fraction.len, &work, &bytes));
    require(remainder_of_bytes(bytes, bytes.at[0] >= 0x80) ==
            remainder_of_digits(n.fraction, remainder_of_digits(n.whole, 0)));
    buf_done(&work);
}

static void check_float(struct slice text)
{
    char before[64], after[64] = "";
    struct buf out;

    buf_init(&out, sizeof after - 1);
    if (text.len < sizeof before && float_write(&out, text, FLOAT_DOUBLE) && !out.failed &&
        !numeric_is_special(text)) {
        memcpy(before, text.at, text.len);
        before[text.len] = '\0';
        memcpy(after, out.at, out.len);
        require(strtod(before, NULL) == strtod(after, NULL));
    }
    buf_done(&out);
}

static void check_money(struct slice text)
{
    struct numeric n;
    struct slice bytes;
    struct buf digits, work;

    buf_init(&digits, 256);
    buf_init(&work, 256);
    if (money_read(text, &digits, &n))
        require(numeric_unscaled(&n, 2, &work, &bytes));
    buf_done(&digits);
    buf_done(&work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_numeric(slice_of(data, size));
    check_float(slice_of(data, size));
    check_money(slice_of(data, size));
    return 0;
}
