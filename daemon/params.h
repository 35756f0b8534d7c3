/* SPDX-License-Identifier: Apache-2.0 */
/* params.h: what a method takes, as rows: name, type, bounds. What no row allows is refused. */
#ifndef MOHR_PARAMS_H
#define MOHR_PARAMS_H

#include "daemon/server.h"

/* CLAIMS: names of client-sdk/claimset.h, each once. */
enum param_type {
        PARAM_STRING,
        PARAM_INT,
        PARAM_BOOL,
        PARAM_OBJECT,
        PARAM_LIST,
        PARAM_CLAIMS,
};

struct param {
        const char *name; /* NULL ends the table */
        enum param_type type;
        bool required;                   /* else it may be absent or null */
        int64_t min, max;                /* bytes of a string, value of an int */
        bool (*valid)(const char *text); /* a string's further shape, or NULL */
        const struct param *fields;      /* of an object; what a list may hold, its owner checks */
};

/* True if they fit the table. Else *ret_bad is the name of the first one that does not ("ui.tty") as a new JSON string, or NULL
 * if memory is short. */
_must_check_ bool params_fit(json_t *parameters, const struct param *table, json_t **ret_bad);
/* service.c: the same. If they do not fit, the call has been answered with
 * org.varlink.service.InvalidParameter naming the first one that does not ("ui.tty"), and is gone. */
_must_check_ bool params_accept(struct call *call, json_t *parameters, const struct param *table);

/* A parameter that fits; NULL where it is absent or null. */
const char *param_string(json_t *parameters, const char *name);
/* Without its members that are null, which count as absent here as everywhere. */
json_t *param_object(json_t *parameters, const char *name);

/* Shapes for `valid`. */
bool param_printable(const char *text); /* ASCII 0x20..0x7e */
bool param_graphic(const char *text);   /* the same without space */
bool param_digits(const char *text);
bool param_is_text(const char *text); /* as prompts show it: field_is_text() */

#endif
