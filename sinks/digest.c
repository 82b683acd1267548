#include "sinks/digest.h"

#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "millrace/mem.h"

struct digest {
    OSSL_LIB_CTX *library;   /* NULL: the process's */
    OSSL_PROVIDER *provider; /* of that library */
    EVP_MD *method;
    EVP_MD_CTX *context;
};

static const char *name_of(enum digest_kind kind)
{
    switch (kind) {
    case DIGEST_MD5:
        return "MD5";
    case DIGEST_SHA_256:
        return "SHA2-256";
    case DIGEST_SHA_512:
        return "SHA2-512";
    }
    return "";
}

/* A machine that is set to FIPS 140 has no MD5 for security; a name is none. */
static void leave_policy(struct digest *d)
{
    d->library = OSSL_LIB_CTX_new();
    if (d->library != NULL)
        d->provider = OSSL_PROVIDER_load(d->library, "default");
}

struct digest *digest_create(enum digest_kind kind, struct error *err)
{
    struct digest *d = mem_new(struct digest);

    if (kind == DIGEST_MD5)
        leave_policy(d);
    d->method = EVP_MD_fetch(d->library, name_of(kind), NULL);
    d->context = EVP_MD_CTX_new();
    if (d->method != NULL && d->context != NULL &&
        EVP_DigestInit_ex2(d->context, d->method, NULL) == 1)
        return d;
    digest_destroy(d);
    (void)error_set(err, ERROR_CONFIG,
                    "%s is not offered by OpenSSL on this machine: look at openssl.cnf, which says "
                    "which providers are active",
                    name_of(kind));
    return NULL;
}

void digest_destroy(struct digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->method);
    if (d->provider != NULL)
        (void)OSSL_PROVIDER_unload(d->provider);
    OSSL_LIB_CTX_free(d->library);
    free(d);
}

size_t digest_of(struct digest *d, struct slice first, struct slice second,
                 uint8_t out[DIGEST_BYTES_MAX])
{
    unsigned len = 0;

    /* Without a method: the one of before, and its memory with it. */
    if (EVP_DigestInit_ex2(d->context, NULL, NULL) != 1 ||
        EVP_DigestUpdate(d->context, first.at, first.len) != 1 ||
        EVP_DigestUpdate(d->context, second.at, second.len) != 1 ||
        EVP_DigestFinal_ex(d->context, out, &len) != 1)
        return 0;
    return len;
}
