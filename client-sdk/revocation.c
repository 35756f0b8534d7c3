/* SPDX-License-Identifier: Apache-2.0 */
/* revocation.c: see revocation.h. The set, and what a statement is worth at a time.
 *
 * A revocation is for ever, but for a hold: so an old list that has the certificate still counts, while one
 * that does not have it counts only as long as it is fresh. Of several statements the worst wins, then the
 * newest. Nothing that anybody can send takes the place of what the relying party loaded: a forged list with
 * the issuer's name and tomorrow's date would otherwise push out the true one.
 */
#include "client-sdk/revocation_item.h"

#include "base/outcome.h"
#include "client-sdk/lock.h"
#include "client-sdk/shortage.h"

#include <openssl/err.h>
#include <stdio.h>

#define ITEMS_ALL (REVOCATION_ITEMS + REVOCATION_STAPLED_ITEMS)

struct revocation {
        pthread_mutex_t lock;
        struct revocation_item *items[ITEMS_ALL]; /* the stapled ones behind the loaded ones */
        size_t loaded, bytes, next_stapled, stapled_bytes;
};

struct revocation *revocation_new(void)
{
        struct revocation *set = calloc(1, sizeof *set);
        if (set)
                pthread_mutex_init(&set->lock, NULL); /* one of the plain kind cannot fail */
        return set;
}

struct revocation *revocation_free(struct revocation *set)
{
        if (!set)
                return NULL;
        for (size_t i = 0; i < ITEMS_ALL; i++)
                item_unref(set->items[i]);
        pthread_mutex_destroy(&set->lock);
        free(set);
        return NULL;
}

void revocation_verdict_clear(struct revocation_verdict *verdict)
{
        verdict->proof = item_unref(verdict->proof);
}

struct picked {
        struct revocation_item *items[ITEMS_ALL];
        size_t count;
};

static void free_picked(struct picked *picked)
{
        for (size_t i = 0; i < picked->count; i++)
                item_unref(picked->items[i]);
}

/* ---- putting in ---------------------------------------------------------------------------- */

/* What was stapled counts as not there for what is loaded: it may be pushed out. */
static bool has(const struct revocation *set, const struct revocation_item *item, bool stapled)
{
        for (size_t i = 0; i < (stapled ? ITEMS_ALL : REVOCATION_ITEMS); i++)
                if (set->items[i] && set->items[i]->len == item->len &&
                        memcmp(set->items[i]->der, item->der, item->len) == 0)
                        return true;
        return false;
}

static bool put_loaded(struct revocation *set, struct revocation_item *item)
{
        if (set->loaded == REVOCATION_ITEMS || item->len > REVOCATION_BYTES - set->bytes)
                return false;
        set->items[set->loaded++] = item_ref(item);
        set->bytes += item->len;
        return true;
}

/* The oldest ones make room, in places and in bytes; they are let go when nobody waits for the lock. */
static void put_stapled(struct revocation *set, struct revocation_item *item, struct picked *gone)
{
        struct revocation_item **ring = set->items + REVOCATION_ITEMS;
        for (size_t i = 0; i < REVOCATION_STAPLED_ITEMS; i++) {
                size_t oldest = (set->next_stapled + i) % REVOCATION_STAPLED_ITEMS;
                if (i > 0 && set->stapled_bytes + item->len <= REVOCATION_STAPLED_MAX)
                        break;
                if (!ring[oldest])
                        continue;
                set->stapled_bytes -= ring[oldest]->len;
                gone->items[gone->count++] = ring[oldest];
                ring[oldest] = NULL;
        }
        ring[set->next_stapled] = item_ref(item);
        set->stapled_bytes += item->len;
        set->next_stapled = (set->next_stapled + 1) % REVOCATION_STAPLED_ITEMS;
}

static bool put(struct revocation *set, struct revocation_item *item, bool stapled)
{
        _cleanup_(free_picked) struct picked gone = { .count = 0 };
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&set->lock);
        if (has(set, item, stapled))
                return true;
        if (!stapled)
                return put_loaded(set, item);
        put_stapled(set, item, &gone);
        return true;
}

static int refuse(char why[static REVOCATION_WHY_MAX], const char *words)
{
        snprintf(why, REVOCATION_WHY_MAX, "%s", words);
        return OUTCOME_INVALID;
}

int revocation_add(struct revocation *set, const void *der, size_t len, bool stapled,
        char why[static REVOCATION_WHY_MAX])
{
        _cleanup_item_ struct revocation_item *item = NULL;
        if (len < 1 || len > (stapled ? REVOCATION_STAPLED_MAX : REVOCATION_CRL_MAX))
                return refuse(why, "larger than a list can be here, or empty");
        int r = item_new(der, len, &item, why);
        if (r != 0)
                return r;
        return put(set, item, stapled) ? 0 : refuse(why, "more lists than can be held here");
}

size_t revocation_count(struct revocation *set)
{
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&set->lock);
        size_t count = 0;
        for (size_t i = 0; i < ITEMS_ALL; i++)
                count += set->items[i] != NULL;
        return count;
}

/* ---- what a statement is worth ------------------------------------------------------------- */

static void unknown(struct revocation_verdict *verdict, const char *why)
{
        verdict->state = REVOCATION_UNKNOWN;
        verdict->why = why;
}

/* Made before the time in question or right then? Else it looks back from a later time. */
static bool looks_back(const struct statement *statement, const struct question *question)
{
        return statement->known_at > question->at + REVOCATION_SKEW;
}

/* Why a word that it is good does not count at that time, or NULL. */
static const char *staleness(const struct statement *statement, const struct question *question)
{
        int64_t age = question->at - statement->this_update, most = question->max_age_s;
        if (most == 0 && statement->next_update == 0)
                most = REVOCATION_UNDATED;
        if (statement->next_update != 0 && question->at > statement->next_update + REVOCATION_SKEW)
                return "out-of-date";
        return most > 0 && age > most ? "too-old" : NULL;
}

static void judge_revoked(const struct statement *statement, const struct question *question,
        struct revocation_verdict *verdict)
{
        verdict->revoked_at = statement->revoked_at;
        verdict->reason = statement->reason;
        if (looks_back(statement, question) && statement->invalid_from > question->at) {
                verdict->state = REVOCATION_GOOD;
                verdict->why = "revoked-later";
        } else if (statement->hold && staleness(statement, question)) {
                unknown(verdict, "hold-out-of-date");
        } else {
                verdict->state = REVOCATION_REVOKED;
        }
}

/* Issuers leave certificates out of their lists once these have ended. */
static void judge_good(const struct statement *statement, const struct question *question,
        struct revocation_verdict *verdict)
{
        const char *stale = staleness(statement, question);
        if (item_time(X509_get0_notAfter(question->cert)) < statement->this_update)
                unknown(verdict, "made-after-the-certificate-ended");
        else if (stale)
                unknown(verdict, stale);
        else
                verdict->state = REVOCATION_GOOD;
}

static void judge(const struct statement *statement, const struct question *question,
        struct revocation_verdict *verdict)
{
        verdict->as_of = statement->this_update;
        verdict->next_update = statement->next_update;
        if (statement->this_update == 0 || statement->known_at == 0 ||
                statement->this_update > statement->known_at + REVOCATION_SKEW)
                unknown(verdict, "dates-contradict");
        else if (statement->state == REVOCATION_REVOKED)
                judge_revoked(statement, question, verdict);
        else if (statement->state == REVOCATION_GOOD)
                judge_good(statement, question, verdict);
        else
                unknown(verdict, "unknown-to-the-responder");
}

/* ---- asking -------------------------------------------------------------------------------- */

/* References to what may be about this certificate, so that the lock is not held while it is judged. */
static void pick(struct revocation *set, X509 *cert, struct picked *picked)
{
        _cleanup_lock_ pthread_mutex_t *held = lock_take(&set->lock);
        for (size_t i = 0; i < ITEMS_ALL; i++) {
                struct revocation_item *item = set->items[i];
                if (item && (item->crl ? crl_concerns(item, cert) : ocsp_concerns(item, cert)))
                        picked->items[picked->count++] = item_ref(item);
        }
}

/* The worst, then the newest; any word about it before none. */
static bool outweighs(const struct revocation_verdict *a, const struct revocation_verdict *b)
{
        if (a->state != b->state)
                return a->state > b->state;
        if ((a->source[0] != '\0') != (b->source[0] != '\0'))
                return a->source[0] != '\0';
        return a->as_of > b->as_of;
}

static void weigh(struct revocation_verdict *verdict, struct revocation_verdict *fresh,
        struct revocation_item *item)
{
        fresh->source = item->crl ? "crl" : "ocsp";
        if (!outweighs(fresh, verdict))
                return;
        revocation_verdict_clear(verdict);
        *verdict = *fresh;
        if (fresh->state != REVOCATION_UNKNOWN)
                verdict->proof = item_ref(item);
}

static const struct revocation_verdict nothing_known = {
        .state = REVOCATION_UNKNOWN, .why = "no-evidence", .source = "", .reason = ""
};

/* OpenSSL says "no" as well when it had no memory, and not always in its error queue: so a "no" is asked for
 * twice, and then believed if there is memory to be had. */
static const char *state_of(
        struct revocation_item *item, const struct question *question, struct statement *statement)
{
        const char *why = "";
        for (int i = 0; why && i < 2; i++)
                why = item->crl ? crl_state(item, question, statement)
                                : ocsp_state(item, question, statement);
        if (why)
                item_note_shortage(question->starved);
        return why;
}

/* A delegate is asked about in lists alone: answers about answerers would never end. */
static void judge_responder(const struct picked *picked, const struct question *question,
        X509 *responder, struct revocation_verdict *verdict)
{
        const struct question about = { .cert = responder,
                .issuer = question->issuer,
                .at = question->at,
                .max_age_s = question->max_age_s,
                .starved = question->starved };
        enum revocation_state worst = REVOCATION_UNKNOWN;
        for (size_t i = 0; i < picked->count; i++) {
                struct statement statement = { 0 };
                struct revocation_verdict found = nothing_known;
                if (!picked->items[i]->crl || state_of(picked->items[i], &about, &statement))
                        continue;
                judge(&statement, &about, &found);
                worst = found.state > worst ? found.state : worst;
        }
        if (worst == REVOCATION_REVOKED)
                unknown(verdict, "responder-revoked");
        else if (worst == REVOCATION_UNKNOWN && verdict->why[0] == '\0')
                verdict->why = "responder-unchecked";
}

static void ask(const struct picked *picked, struct revocation_item *item,
        const struct question *question, struct revocation_verdict *verdict)
{
        struct statement statement = { .reason = "" };
        struct revocation_verdict fresh = { .why = "", .source = "", .reason = "" };
        const char *why = state_of(item, question, &statement);
        if (why && !why[0])
                return;
        if (why)
                unknown(&fresh, why);
        else
                judge(&statement, question, &fresh);
        if (!why && statement.responder)
                judge_responder(picked, question, statement.responder, &fresh);
        weigh(verdict, &fresh, item);
}

int revocation_check(struct revocation *set, X509 *cert, X509 *issuer, int64_t at,
        int64_t max_age_s, struct revocation_verdict *ret)
{
        bool starved = false;
        const struct question question = { .cert = cert,
                .issuer = issuer,
                .at = at,
                .max_age_s = max_age_s,
                .starved = &starved };
        struct revocation_verdict verdict = nothing_known;
        _cleanup_(free_picked) struct picked picked = { .count = 0 };
        ERR_clear_error();
        pick(set, cert, &picked);
        for (size_t i = 0; i < picked.count; i++)
                ask(&picked, picked.items[i], &question, &verdict);
        if (shortage_seen() < 0 || starved) {
                revocation_verdict_clear(&verdict);
                return -ENOMEM;
        }
        *ret = verdict;
        return 0;
}
