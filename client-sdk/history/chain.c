/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c: does each row follow from the one before it, and is the chain the one that its anchors saw?
 *
 * Where it breaks, it is looked for what would mend it: the same row at another number (moved), the rows from there on
 * renumbered (some were put in or taken out before), a gap in the numbers (removed). What nothing mends does not
 * follow from the row before it, and one of the two was put in another's place. A chain that was
 * computed anew breaks nowhere; an anchor that names a row of the old one tells.
 */
#include "client-sdk/history/check_internal.h"

#define SHIFT_MAX 64 /* rows put in or taken out at one place, as far as it is looked for */
#define NEAR      16 /* how far a moved row is looked for */

struct walk {
        struct ledger_check *check;
        const struct ledger_stored *rows;
        size_t count;
        int64_t shift; /* a row's number when it was written, less its number now */
        bool starved;
};

static const uint8_t nothing[LEDGER_HASH];

static bool follows(struct walk *walk, const uint8_t *before, int64_t seq, size_t index)
{
        uint8_t link[LEDGER_HASH];
        if (seq < 1 || walk->starved)
                return false;
        walk->starved = !ledger_link(before, seq, walk->rows[index].digest, link);
        return !walk->starved && memcmp(link, walk->rows[index].link, LEDGER_HASH) == 0;
}

static const uint8_t *link_before(const struct walk *walk, size_t index)
{
        return index > 0 ? walk->rows[index - 1].link : nothing;
}

/* How the next row, which knows the link of this one, was numbered: the same from here on, then. */
static bool find_shift(struct walk *walk, size_t index, int64_t *ret)
{
        size_t next = index + 1;
        if (next >= walk->count || walk->rows[next].seq != walk->rows[index].seq + 1)
                return false;
        for (int64_t by = 1; by <= SHIFT_MAX; by++)
                for (int sign = -1; sign <= 1; sign += 2) {
                        int64_t shift = walk->shift + sign * by;
                        if (follows(walk, walk->rows[index].link, walk->rows[next].seq + shift,
                                    next)) {
                                *ret = shift;
                                return true;
                        }
                }
        return false;
}

/* The number this row was written under, by a row nearby that it follows; 0: not found. */
static int64_t find_origin(struct walk *walk, size_t index)
{
        size_t from = index > NEAR ? index - NEAR : 0, to = base_min(index + NEAR, walk->count);
        int64_t seq = walk->rows[index].seq;
        for (size_t before = from; before <= to; before++)
                for (int64_t number = seq - NEAR; number <= seq + NEAR; number++)
                        if (follows(walk, link_before(walk, before), number, index))
                                return number;
        return 0;
}

/* `excused`: the row before it is at fault already. */
static int explain(struct walk *walk, size_t index, bool excused)
{
        struct ledger_check *check = walk->check;
        const int64_t seq = walk->rows[index].seq, before = walk->shift;
        if (check->sum.findings >= LEDGER_FINDINGS_MAX)
                return ledger_find(check, LEDGER_REPLACED, seq, 0, NULL);
        if (find_shift(walk, index, &walk->shift)) {
                bool more = walk->shift < before;
                return ledger_find(check, more ? LEDGER_INSERTED : LEDGER_CLOSED_UP, seq,
                        more ? before - walk->shift : walk->shift - before, NULL);
        }
        int64_t origin = find_origin(walk, index);
        if (origin == seq && excused)
                return 0;
        if (origin == 0 || origin == seq)
                return ledger_find(check, LEDGER_REPLACED, seq, 0, NULL);
        return ledger_find(check, LEDGER_MOVED, seq, origin, NULL);
}

static int walk_rows(struct walk *walk)
{
        int64_t expected = 1;
        bool excused = false;
        int r = 0;
        for (size_t i = 0; r == 0 && i < walk->count; i++) {
                int64_t seq = walk->rows[i].seq;
                bool gap = seq > expected;
                bool good = gap || follows(walk, link_before(walk, i), seq + walk->shift, i);
                if (gap)
                        r = ledger_find(walk->check, LEDGER_REMOVED, expected, seq - 1, NULL);
                else if (!good)
                        r = explain(walk, i, excused);
                excused = !good;
                expected = seq + 1;
        }
        return walk->starved ? -ENOMEM : r;
}

int ledger_chain(struct ledger_check *check)
{
        struct walk walk = { .check = check, .rows = check->rows, .count = check->count };
        return walk_rows(&walk);
}

/* ---- Anchors ---- */

static const struct ledger_stored *row_of(const struct ledger_check *check, int64_t seq)
{
        size_t from = 0, to = check->count;
        while (from < to) {
                size_t middle = from + (to - from) / 2;
                if (check->rows[middle].seq == seq)
                        return &check->rows[middle];
                if (check->rows[middle].seq < seq)
                        from = middle + 1;
                else
                        to = middle;
        }
        return NULL;
}

struct told {            /* what the anchors say together */
        int64_t beyond;  /* the last row that one names and that is not there */
        int64_t other;   /* the last one of another history */
        int64_t changed; /* the first row that is not as one saw it */
};

static void take(struct ledger_check *check, const struct ledger_anchor *anchor, struct told *told)
{
        const struct ledger_stored *row = row_of(check, anchor->seq);
        struct ledger_sum *sum = &check->sum;
        if (anchor->id[0] && sum->head.id[0] && strcmp(anchor->id, sum->head.id) != 0) {
                sum->foreign++;
                told->other = anchor->seq > told->other ? anchor->seq : told->other;
        } else if (!row) {
                bool later = anchor->seq > sum->head.seq && anchor->seq > told->beyond;
                told->beyond = later ? anchor->seq : told->beyond;
        } else if (memcmp(row->link, anchor->link, LEDGER_HASH) != 0) {
                bool first = !told->changed || anchor->seq < told->changed;
                told->changed = first ? anchor->seq : told->changed;
        } else {
                sum->held++;
                sum->anchored = anchor->seq > sum->anchored ? anchor->seq : sum->anchored;
        }
}

static int64_t last_before(
        const struct ledger_check *check, const struct ledger_anchors *anchors, int64_t seq)
{
        int64_t last = 0;
        for (size_t i = 0; i < anchors->count; i++) {
                const struct ledger_anchor *anchor = &anchors->rows[i];
                const struct ledger_stored *row = row_of(check, anchor->seq);
                if (row && anchor->seq < seq && anchor->seq > last &&
                        memcmp(row->link, anchor->link, LEDGER_HASH) == 0)
                        last = anchor->seq;
        }
        return last;
}

int ledger_compare(struct ledger_check *check, const struct ledger_anchors *anchors)
{
        struct told told = { 0 };
        int r = 0;
        for (size_t i = 0; i < anchors->count; i++)
                take(check, &anchors->rows[i], &told);
        if (told.changed)
                r = ledger_find(check, LEDGER_REWRITTEN, told.changed,
                        last_before(check, anchors, told.changed), NULL);
        if (r == 0 && told.beyond)
                r = ledger_find(check, LEDGER_CUT, check->sum.head.seq, told.beyond, NULL);
        if (r == 0 && told.other)
                r = ledger_find(check, LEDGER_OTHER, 0, told.other, NULL);
        return r;
}
