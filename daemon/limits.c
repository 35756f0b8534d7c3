/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c: see limits.h. Which way is stricter stands in one table, so that a rule, a section and two kinds of files
 * are laid over each other in the same way. */
#include "daemon/limits.h"

const struct limits limits_initial = {
        .app_per_hour = 60, .user_per_hour = 120, .wrong_pins = 3, .pause_s = 900
};

static const struct row {
        size_t at;
        bool more_is_stricter;
} rows[] = {
        { offsetof(struct limits, app_per_hour), false },
        { offsetof(struct limits, user_per_hour), false },
        { offsetof(struct limits, wrong_pins), false },
        { offsetof(struct limits, pause_s), true },
};

static unsigned int get(const struct limits *limits, const struct row *row)
{
        unsigned int value;
        memcpy(&value, (const char *)limits + row->at, sizeof value);
        return value;
}

static void set(struct limits *limits, const struct row *row, unsigned int value)
{
        memcpy((char *)limits + row->at, &value, sizeof value);
}

/* Is `a` stricter than `b`, which may be no limit at all? */
static bool stricter(const struct row *row, unsigned int a, unsigned int b)
{
        if (!a || !b)
                return a && !b;
        return row->more_is_stricter ? a > b : a < b;
}

void limits_override(struct limits *holds, const struct limits *by)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (get(by, &rows[i]))
                        set(holds, &rows[i], get(by, &rows[i]));
}

void limits_tighten(struct limits *holds, const struct limits *by)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (stricter(&rows[i], get(by, &rows[i]), get(holds, &rows[i])))
                        set(holds, &rows[i], get(by, &rows[i]));
}

bool limits_looser(const struct limits *a, const struct limits *b)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (stricter(&rows[i], get(b, &rows[i]), get(a, &rows[i])))
                        return true;
        return false;
}
