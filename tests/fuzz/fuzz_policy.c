/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_policy.c: any two configurations, root's and the user's, and any question: the decision is whole, and never
 * looser with the user's than without. The input is seven texts with a zero byte between them: both files, audience,
 * purpose, executable, Flatpak or organisation, unit; then a byte of flags.
 */
#include "base/outcome.h"
#include "daemon/audience.h"
#include "daemon/limits.h"
#include "daemon/policy_internal.h"
#include "tests/fuzz/require.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
        const uint8_t *data;
        size_t len;
};

/* The next text; what is too long is cut. */
static void next(struct input *in, char *dst, size_t cap)
{
        const uint8_t *zero = memchr(in->data, 0, in->len);
        size_t part = zero ? (size_t)(zero - in->data) : in->len;
        size_t kept = base_min(part, cap - 1);
        memcpy(dst, in->data, kept);
        dst[kept] = 0;
        part += zero != NULL;
        in->data += part;
        in->len -= part;
}

static struct limits limits_of(const struct policy_decision *d)
{
        return (struct limits){ d->app_per_hour, d->user_per_hour, d->wrong_pins, d->pause_s };
}

static void check_stricter(const struct policy_decision *with, const struct policy_decision *alone)
{
        const struct limits a = limits_of(with), b = limits_of(alone);
        require(with->consent >= alone->consent);
        require(!(with->required & ~alone->required) && !(with->optional & ~alone->optional));
        require(with->pinpad >= alone->pinpad && with->no_simulated >= alone->no_simulated);
        require(!limits_looser(&a, &b));
}

static void check_whole(const struct policy_decision *d, const struct policy_question *question)
{
        require((d->required | d->over) == question->required && !(d->required & d->over));
        require(!(d->optional & ~question->optional));
        require((d->consent == POLICY_REFUSE) == (d->detail != NULL));
        require(!d->over || d->consent == POLICY_REFUSE);
        if (d->consent == POLICY_GRANT)
                require(question->organization || question->peer->flatpak[0] ||
                        (question->peer->unit[0] && question->peer->system_unit));
}

static void check_explained(const struct config *config, const struct policy_question *question,
        const struct policy_decision *d)
{
        json_t *told = policy_explain(config, question);
        const char *rule =
                json_string_value(json_object_get(json_object_get(told, "decision"), "rule"));
        require(told && (d->rule ? rule && strcmp(rule, d->rule) == 0 : !rule));
        json_decref(told);
}

/* The plain spelling is its own, and a question that is put so is judged no looser. */
static void check_plain(const struct config *config, const struct policy_question *question)
{
        char plain[AUDIENCE_PLAIN_MAX], again[AUDIENCE_PLAIN_MAX];
        struct policy_decision a, b;
        if (!question->audience || !field_is_uri(question->audience))
                return;
        audience_plain(plain, question->audience);
        if (strlen(plain) > FIELD_AUDIENCE_MAX)
                return;
        audience_plain(again, plain);
        require(strcmp(plain, again) == 0 && field_is_uri(plain));
        struct policy_question spelled = policy_plain(question, plain);
        policy_decide(config, question, &a);
        policy_decide(config, &spelled, &b);
        check_stricter(&a, &b);
}

static void decide(struct config *config, const char *users, const struct policy_question *question)
{
        struct policy_decision alone, with;
        char error[256];
        policy_decide(config, question, &alone);
        check_whole(&alone, question);
        check_plain(config, question);
        if (config_parse(config, CONFIG_USERS, users, strlen(users), "u", error, sizeof error) != 0)
                return;
        policy_decide(config, question, &with);
        check_whole(&with, question);
        check_stricter(&with, &alone);
        check_explained(config, question, &with);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct input in = { data, len };
        char roots[4096], users[4096], audience[600], purpose[300], name[256], error[256];
        struct peer peer = { .uid = 1000 };
        struct config *config = calloc(1, sizeof *config);
        if (!config)
                return 0;
        config->limits = limits_initial;
        next(&in, roots, sizeof roots);
        next(&in, users, sizeof users);
        next(&in, audience, sizeof audience);
        next(&in, purpose, sizeof purpose);
        next(&in, peer.executable, sizeof peer.executable);
        next(&in, name, sizeof name);
        next(&in, peer.unit, sizeof peer.unit);
        uint8_t flags = in.len ? in.data[0] : 0;
        peer.system_unit = flags & 1;
        if (flags & 2)
                snprintf(peer.flatpak, sizeof peer.flatpak, "%s", name);
        const struct policy_question question = {
                .peer = &peer,
                .organization = flags & 2 ? NULL : name,
                .audience = audience,
                .purpose = flags & 4 ? purpose : NULL,
                .required = (claimset)(flags >> 4 & CLAIMS_ALL),
                .optional = (claimset)(~(flags >> 4) & CLAIMS_ALL),
        };
        if (config_parse(config, CONFIG_ROOTS, roots, strlen(roots), "r", error, sizeof error) == 0)
                decide(config, users, &question);
        config_free(config);
        return 0;
}
