/* SPDX-License-Identifier: Apache-2.0 */
/* fetching.h: one list or one answer: asked for, judged, kept, told. trust_fetch.c says which. */
#ifndef MOHR_CLI_FETCHING_H
#define MOHR_CLI_FETCHING_H

#include "client-sdk/cli/trust.h"
#include "client-sdk/http.h"

struct fetching {
        struct cli *cli;
        const char *trust, *staff, *into;
        bool system;
        int timeout_s;
        struct mohr_trust *anchors;
        STACK_OF(X509) * authorities, *given; /* whose word counts; what was asked about */
        json_t *rows;
        size_t kept, failed;
        char problem[512];
};

/* 0 also when the server, or what it sent, was of no use: then that is told and counted. Negative errno. */
_must_check_ int fetching_list(struct fetching *f, const char *url);
_must_check_ int fetching_answer(struct fetching *f, const char *url, X509 *cert, X509 *issuer);
/* Says that there is nothing to be had from there, and why. */
_must_check_ int fetching_refuse(struct fetching *f, const char *what, const char *why);

#endif
