/* SPDX-License-Identifier: Apache-2.0 */
/* news.h: devices that are there, then devices that come and go, as udev tells of them.
 *
 * Everything is opened by news_open(): the monitor first, then the list, so that nothing falls between
 * the two. After it, one message is one system call and no file is opened.
 */
#ifndef MOHR_WATCH_NEWS_H
#define MOHR_WATCH_NEWS_H

#include "base/base.h"

struct news;

/* A property of the device that is told of, or NULL. Borrowed until the callback returns. */
typedef const char *(*news_get)(void *device, const char *key);
/* The device is there (again, with what changed), or is gone. */
typedef void (*news_take)(void *user, news_get get, void *device, bool there);

/* subsystems ends with NULL. Calls take() for every device there is. */
_must_check_ int news_open(
        struct news **ret, const char *const *subsystems, news_take take, void *user);
/* Blocks until something was told. OUTCOME_READER_SERVICE when messages were lost: only a new process
 * can look again. */
_must_check_ int news_wait(struct news *news);
struct news *news_free(struct news *news);
static inline void news_free_cleanup(struct news **slot)
{
        *slot = news_free(*slot);
}
#define _cleanup_news_ _cleanup_(news_free_cleanup)

#endif
