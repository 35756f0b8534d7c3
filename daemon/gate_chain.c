/* SPDX-License-Identifier: Apache-2.0 */
/* gate_chain.c: the certificate files of a card, put together for one of its keys: which files these are for each family of
 * cards, which of them is the holder's, which one issued it. What they are is told by their content. Whether that is enough is
 * decided in gate.c.
 */
#include "daemon/gate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

/* What a family is, as data; the one that does not exist refuses everything. */
static const struct family {
        enum leaf_class wanted;
        enum trust_scope scope;
        bool learns_issuers, tries_return, two_keys;
} families[] = {
        [CARD_UNKNOWN] = { LEAF_SIGNATURE, TRUST_CITIZENS, false, false, false },
        [CARD_NID] = { LEAF_SIGNATURE, TRUST_CITIZENS, true, false, false },
        [CARD_PIV] = { LEAF_STAFF, TRUST_STAFF, false, true, true },
};

/* In the order in which they are read. Where there are two keys the first is that of the one which is wanted. */
static const struct files {
        unsigned int count;
        enum card_object objects[GATE_FILES_MAX];
} files[][CARD_USES] = {
        [CARD_UNKNOWN] = { { 0 }, { 0 } },
        [CARD_NID] = { { 3, { OBJECT_CERTIFICATE_1, OBJECT_CERTIFICATE_2, OBJECT_CERTIFICATE_3 } },
                { 3, { OBJECT_CERTIFICATE_1, OBJECT_CERTIFICATE_2, OBJECT_CERTIFICATE_3 } } },
        [CARD_PIV] = { { 1, { OBJECT_CERTIFICATE_1 } },
                { 2, { OBJECT_CERTIFICATE_2, OBJECT_CERTIFICATE_1 } } },
};

static const struct family *row_of(enum card_family family)
{
        return &families[(size_t)family < ARRAY_LEN(families) ? family : CARD_UNKNOWN];
}

enum leaf_class gate_wanted(enum card_family family)
{
        return row_of(family)->wanted;
}

enum trust_scope gate_scope(enum card_family family)
{
        return row_of(family)->scope;
}

static const struct files *files_of(enum card_family family, enum card_use use)
{
        return &files[(size_t)family < ARRAY_LEN(files) ? family : CARD_UNKNOWN][use];
}

unsigned int gate_files(enum card_family family, enum card_use use)
{
        return files_of(family, use)->count;
}

enum card_object gate_file(enum card_family family, enum card_use use, unsigned int n)
{
        return files_of(family, use)->objects[n];
}

bool gate_has_two_keys(enum card_family family)
{
        return row_of(family)->two_keys;
}

void gate_chain_begin(struct gate_chain *chain, enum card_family family, enum card_use use)
{
        chain->wanted = gate_wanted(family);
        chain->use = gate_has_two_keys(family) ? use : CARD_USE_SIGNATURE;
}

bool gate_chain_lacks(const struct gate_chain *chain)
{
        return !chain->leaf || !chain->issuer ||
               (chain->use == CARD_USE_AUTHENTICATION && !chain->other_seen);
}

bool gate_learns_issuers(enum card_family family)
{
        return row_of(family)->learns_issuers;
}

bool gate_tries_return(enum card_family family)
{
        return row_of(family)->tries_return;
}

static X509 *share(X509 *cert)
{
        if (cert)
                X509_up_ref(cert);
        return cert;
}

void gate_chain_clear(struct gate_chain *chain)
{
        X509_free(chain->leaf);
        X509_free(chain->issuer);
        X509_free(chain->other);
        for (unsigned int i = 0; i < chain->authority_count; i++)
                X509_free(chain->authorities[i]);
        *chain = (struct gate_chain){ 0 };
}

void gate_chain_copy(struct gate_chain *dst, const struct gate_chain *src)
{
        *dst = *src;
        share(dst->leaf);
        share(dst->issuer);
        share(dst->other);
        for (unsigned int i = 0; i < dst->authority_count; i++)
                share(dst->authorities[i]);
}

static void add_leaf(struct gate_chain *chain, enum card_object object, X509 **cert,
        const struct leaf *facts, const uint8_t print[GATE_PRINT_SIZE])
{
        if (chain->leaf) {
                chain->two_leaves |= memcmp(chain->print, print, GATE_PRINT_SIZE) != 0;
                return;
        }
        chain->leaf = *cert;
        *cert = NULL;
        chain->facts = *facts;
        chain->leaf_object = object;
        memcpy(chain->print, print, GATE_PRINT_SIZE);
}

static bool is_other(const struct gate_chain *chain, enum card_object object)
{
        return chain->use == CARD_USE_AUTHENTICATION && object != OBJECT_CERTIFICATE_2;
}

/* Whatever kind of certificate it is: it is the key that counts. */
static void add_other(struct gate_chain *chain, X509 **cert)
{
        chain->shared_key = chain->leaf && EVP_PKEY_eq(X509_get0_pubkey(chain->leaf),
                                                   X509_get0_pubkey(*cert)) == 1;
        chain->other = *cert;
        *cert = NULL;
        ERR_clear_error();
}

int gate_chain_add(struct gate_chain *chain, enum card_object object, const uint8_t *der,
        size_t len, enum leaf_class *ret_class)
{
        _cleanup_x509_ X509 *cert = NULL;
        struct leaf facts;
        uint8_t print[GATE_PRINT_SIZE];
        *ret_class = LEAF_OTHER;
        int r = leaf_parse(der, len, &cert, &facts);
        if (r == -ENOMEM || (r == 0 && !SHA256(der, len, print)))
                return -ENOMEM; /* a file not looked at could be a second leaf */
        chain->other_seen |= is_other(chain, object);
        if (r < 0)
                return 0;
        *ret_class = facts.class;
        if (is_other(chain, object) && !chain->other)
                add_other(chain, &cert);
        else if (facts.class == chain->wanted)
                add_leaf(chain, object, &cert, &facts, print);
        if (cert && facts.class == LEAF_CA && chain->authority_count < GATE_FILES_MAX) {
                chain->authorities[chain->authority_count++] = cert;
                cert = NULL;
        }
        return 0;
}

bool gate_issued(X509 *authority, X509 *leaf)
{
        EVP_PKEY *key = X509_get0_pubkey(authority);
        return key &&
               X509_NAME_cmp(X509_get_subject_name(authority), X509_get_issuer_name(leaf)) == 0 &&
               trust_signed_by(leaf, key);
}

bool gate_chain_find_issuer(struct gate_chain *chain, X509 *candidate)
{
        X509 *const *from = candidate ? &candidate : chain->authorities;
        unsigned int count = candidate ? 1 : chain->authority_count;
        for (unsigned int i = 0; !chain->issuer && chain->leaf && i < count; i++)
                if (gate_issued(from[i], chain->leaf))
                        chain->issuer = share(from[i]);
        return chain->issuer != NULL;
}

bool gate_same_leaf(const struct gate_chain *chain, const uint8_t *der, size_t len)
{
        uint8_t print[GATE_PRINT_SIZE];
        return SHA256(der, len, print) && chain->leaf &&
               memcmp(print, chain->print, sizeof print) == 0;
}
