/* SPDX-License-Identifier: Apache-2.0 */
/* prompt_talk.h: a plain question, and the catalogue beside this program. For the prompt's tests; included once per
 * program.
 */
#ifndef MOHR_PROMPT_TALK_H
#define MOHR_PROMPT_TALK_H

#include "daemon/prompt/course.h"
#include "daemon/prompt/texts.h"

#include "base/text.h"

#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#define FSI              "\u2068"
#define PDI              "\u2069"
#define SET(array, text) snprintf(array, sizeof array, "%s", text)

static inline struct question plain(void)
{
        return (struct question){
                .tty = "/dev/pts/nobodys",
                .term = "xterm",
                .language = "en",
                .pinentry = "pinentry",
                .request = "0123456789abcdef0123456789abcdef",
                .app = "/usr/bin/office",
                .audience = "https://office.example",
                .purpose = "opening an account",
                .given_name = "نمونه",
                .family_name = "آزمایشی",
                .card_number = "0099900007",
                .reader = "Test A 00 00",
                .tries_left = 3,
                .timeout_s = 30,
        };
}

static inline struct question plain_search(void)
{
        struct question question = plain();
        question.search = true;
        SET(question.card_number, "0012345679"); /* as the app named it */
        SET(question.reader, "Reader A\nReader B\nReader C");
        question.reader_count = 16;
        return question;
}

static inline void speak(const char *language)
{
        setenv("LANGUAGE", language, 1);
        /* gettext notices a new LANGUAGE when the locale or a binding changes. */
        assert_non_null(setlocale(LC_ALL, "C"));
        assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
        textdomain("mohr");
}

static inline int count(const char *text, const char *what)
{
        int n = 0;
        for (; (text = strstr(text, what)); text += strlen(what))
                n++;
        return n;
}

static inline void fill(char *dst, size_t cap, const char *unit)
{
        size_t len = strlen(unit), used = 0;
        for (; used + len < cap; used += len)
                memcpy(dst + used, unit, len);
        dst[used] = '\0';
}

static inline struct question hostile(const char *unit, const char *language)
{
        struct question question = plain();
        SET(question.language, language);
        question.simulated = question.tell_unproven = question.expired = true;
        question.tries_left = 1;
        fill(question.app, sizeof question.app, unit);
        fill(question.audience, sizeof question.audience, unit);
        fill(question.purpose, sizeof question.purpose, unit);
        fill(question.reader, sizeof question.reader, unit);
        return question;
}

/* The catalogue of this build: BUILD/tests/test_prompt -> BUILD/locale. */
static inline void bind_catalogue(void)
{
        char self[PATH_MAX];
        ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
        self[len > 0 ? len : 0] = '\0';
        for (int i = 0; i < 2; i++)
                if (strrchr(self, '/'))
                        *strrchr(self, '/') = '\0';
        snprintf(self + strlen(self), sizeof self - strlen(self), "/locale");
        bindtextdomain("mohr", self);
        bind_textdomain_codeset("mohr", "UTF-8");
}

#endif
