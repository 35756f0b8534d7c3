/* SPDX-License-Identifier: Apache-2.0 */
/* words.h: what the verifier's stable names are called on paper. */
#ifndef MOHR_PAGE_WORDS_H
#define MOHR_PAGE_WORDS_H

enum words {
        WORDS_CHECK,          /* names in verification.checked and .not_checked */
        WORDS_LEVEL,          /* acr */
        WORDS_IDENTITY_LEVEL, /* assurance.identity_level */
        WORDS_REVOCATION,     /* revocation.state */
        WORDS_WHY,            /* revocation.why */
        WORDS_SOURCE,         /* revocation.source */
        WORDS_MATCH,          /* national_number_match */
        WORDS_TABLES
};

/* In the language of the catalogue; NULL if there are none for this key. */
const char *words_for(enum words table, const char *key);

#endif
