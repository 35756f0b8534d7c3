/* SPDX-License-Identifier: Apache-2.0 */
/* clerk.h: answers one question after the other out of one book, whatever state that is in.
 *
 * A book that cannot be opened is tried again with each question: whoever made room, or moved a damaged file away,
 * need not start anything anew. Every answer says yes only if what it says is on the disk.
 */
#ifndef MOHR_HISTORY_CLERK_H
#define MOHR_HISTORY_CLERK_H

#include "daemon/history/frame.h"
#include "daemon/history/rows.h"

struct clerk;

/* `settled` is called once, when the folder has been entered and nothing else need be opened; or NULL. */
_must_check_ int clerk_new(struct clerk **ret, const char *dir, const struct rows_setting *setting,
        void (*settled)(void));
struct clerk *clerk_free(struct clerk *clerk);
/* A frame that has no form gets no answer: -EBADMSG. `now`: seconds since the epoch. */
_must_check_ int clerk_answer(
        struct clerk *clerk, const void *frame, size_t len, int64_t now, struct history_reply *ret);
/* True: the folder is another one now, which only a new process can enter. */
bool clerk_is_stale(const struct clerk *clerk);
/* What can be done while nobody asks. True: there is more of it. */
bool clerk_tidy(struct clerk *clerk, int64_t now);

#endif
