/* SPDX-License-Identifier: Apache-2.0 */
/* members.h: members of a JSON object that are there or not, by what was given and by nothing else.
 *
 * json_pack leaves a member ("s*") or an element ("[s, s]") out when its text is NULL, and also when there
 * was no memory for it (jansson 2.14): a statement would say less than what was asked, and nobody would
 * know. Here only the first is so.
 */
#ifndef MOHR_MEMBERS_H
#define MOHR_MEMBERS_H

#include "base/base.h"
#include <jansson.h>

struct member {
        const char *name, *text; /* NULL text: no member */
};

/* False when out of memory; then `to` is of no use. A NULL `to` is out of memory already. */
static inline bool members_add(json_t *to, const struct member *rows, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (rows[i].text &&
                        json_object_set_new(to, rows[i].name, json_string(rows[i].text)) < 0)
                        return false;
        return to != NULL;
}

/* Steals `to`: it, or NULL if the members could not be added. */
static inline json_t *members_of(json_t *to, const struct member *rows, size_t count)
{
        if (members_add(to, rows, count))
                return to;
        json_decref(to);
        return NULL;
}

/* A list of all these texts, or NULL. */
static inline json_t *members_list(const char *const *texts, size_t count)
{
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(list, json_string(texts[i])) < 0) {
                        json_decref(list);
                        return NULL;
                }
        return list;
}

/* The text of it, malloced, or NULL. */
char *members_text(const json_t *json, size_t flags);

/* Is `json` all of this text, which it was read from? False as well if it is written in any but the plainest
 * way (members.c). */
bool members_wrote(const json_t *json, const char *text, size_t len);

/* Reads one JSON text; names only once. NULL if it is none, or *ret_starved. json_loadb drops a character
 * that it has no room for and goes on (2.14), so that one text is taken for another: a reading is believed
 * if it is all of the text, or else if a second one is equal, as memory would have to be missing
 * at the same byte of both. */
static inline json_t *members_read(const char *text, size_t len, bool *ret_starved)
{
        json_t *read = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL), *again;
        *ret_starved = false;
        if (!read || members_wrote(read, text, len))
                return read;
        again = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        *ret_starved = !again || !json_equal(read, again);
        json_decref(again);
        if (!*ret_starved)
                return read;
        json_decref(read);
        return NULL;
}

#endif
