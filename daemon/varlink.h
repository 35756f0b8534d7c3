/* SPDX-License-Identifier: Apache-2.0 */
/* varlink.h: the wire format of Varlink (varlink.org): one JSON object per NUL byte.
 *
 * The decoder takes bytes as they come and gives one message at a time. It never holds more than one
 * frame's cap, counts nesting before the JSON parser sees a byte, and refuses what is not exactly one
 * object: repeated names, text after it, invalid UTF-8, U+0000. A peer's violation is an answer, not
 * an error of ours: the caller closes the connection.
 */
#ifndef MOHR_VARLINK_H
#define MOHR_VARLINK_H

#include "base/base.h"
#include <jansson.h>

#define VARLINK_FRAME_MAX 16384 /* bytes of one message, without its NUL */
#define VARLINK_DEPTH_MAX 8

enum varlink_result {
        VARLINK_INCOMPLETE = 1, /* no whole frame yet */
        VARLINK_VIOLATION = 2,  /* this peer does not speak Varlink */
};

struct varlink_decoder { /* all zero is a new one */
        char *data;
        size_t cap, start, end; /* unread bytes are data[start..end) */
};

struct varlink_call {
        const char *method;   /* borrowed from the message */
        size_t interface_len; /* method[0..interface_len) is the interface */
        json_t *parameters;   /* borrowed; an empty object if the client sent none */
        bool more, oneway, upgrade;
};

size_t varlink_room(const struct varlink_decoder *decoder); /* how much varlink_feed() takes */
/* 0, -ENOBUFS if len is more than the room, -ENOMEM. */
_must_check_ int varlink_feed(struct varlink_decoder *decoder, const void *data, size_t len);
/* True if varlink_next() would not say VARLINK_INCOMPLETE. */
bool varlink_ready(const struct varlink_decoder *decoder);
/* All that is held belongs to one frame, whole or not. */
bool varlink_holds_one(const struct varlink_decoder *decoder);
/* 0 and a new reference, VARLINK_INCOMPLETE, or VARLINK_VIOLATION with static text in *ret_why. */
_must_check_ int varlink_next(struct varlink_decoder *decoder, json_t **ret, const char **ret_why);
void varlink_decoder_clear(struct varlink_decoder *decoder);

/* 0 or VARLINK_VIOLATION: a member of the wrong type, an unknown member, a method that is no name.
 * Adds empty parameters to the message if it has none. */
_must_check_ int varlink_call_parse(
        json_t *message, struct varlink_call *ret, const char **ret_why);
/* The frame with its NUL, malloced. */
_must_check_ int varlink_encode(const json_t *message, char **ret, size_t *ret_len);

/* Length of the interface part of "a.b.Method", or 0 if it is no qualified Varlink name. */
size_t varlink_interface_len(const char *method);

static inline void message_decref_cleanup(json_t **slot)
{
        json_decref(*slot);
}
#define _cleanup_message_ _cleanup_(message_decref_cleanup)

#endif
