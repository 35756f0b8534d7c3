/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h: what a page is to show, read from the JSON of page.h into one bounded struct. */
#ifndef MOHR_PAGE_FACTS_H
#define MOHR_PAGE_FACTS_H

#include "base/base.h"

#define FACTS_NAME_MAX  256
#define FACTS_LIST_MAX  16
#define FACTS_TOKEN_MAX 64

enum facts_size { FACTS_A4, FACTS_80MM };
enum facts_holder { FACTS_CITIZEN, FACTS_STAFF };
enum facts_said { FACTS_UNSAID, FACTS_NO, FACTS_YES };

/* A moment that nobody told. */
#define FACTS_NO_TIME INT64_MIN

struct facts_list {
        char names[FACTS_LIST_MAX][FACTS_TOKEN_MAX];
        size_t count;
};

/* "" where a text is not told. All of it is fit to be seen: text_sanitize() was over it. */
struct facts {
        bool persian, simulated;
        enum facts_size size;
        enum facts_holder holder;
        char digest[65];

        char given_name[FACTS_NAME_MAX], family_name[FACTS_NAME_MAX], card_number[11],
                national_number[11];
        char name[FACTS_NAME_MAX], organization[FACTS_NAME_MAX], employee_number[FACTS_NAME_MAX],
                email[FACTS_NAME_MAX];

        char audience[513], purpose[257], number_match[8], acr[128],
                identity_level[FACTS_TOKEN_MAX];
        char issuer[513];
        int64_t certificate_end;
        bool certificate_expired;

        char operator_name[129], branch[129], device[129], case_number[129], software[129];
        enum facts_said photo_checked, clock_synchronised;

        int64_t signed_at, received_at;
        char outcome[FACTS_TOKEN_MAX], reason[FACTS_TOKEN_MAX];
        struct facts_list checked, not_checked;

        char revocation[FACTS_TOKEN_MAX], revocation_source[257], revocation_why[257];
        int64_t revocation_as_of;
        int64_t timestamp_at;
        char timestamp_authority[513];
};

#define FACTS_PROBLEM_MAX 160

/* 0; 2 if the text is not as page.h says, with an English line in `problem` that names the member;
 * -ENOMEM. *ret is of use only after 0. */
_must_check_ int page_facts_read(
        struct facts *ret, const char *json, size_t len, char problem[static FACTS_PROBLEM_MAX]);

#endif
