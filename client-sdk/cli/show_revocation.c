/* SPDX-License-Identifier: Apache-2.0 */
/* show_revocation.c: what is known of revocation, for people. The codes behind the words are stable
 * (docs/assertion.md); those that only somebody who keeps the lists can act on stand as they are.
 */
#include "client-sdk/cli/cli.h"

#include "client-sdk/assertion.h"

#include <time.h>

static const struct {
        const char *code, *words;
} whys[] = {
        { "no-evidence", N_("there is no list of its issuer here") },
        { "policy-off", N_("nobody asked for it") },
        { "out-of-date", N_("the list of its issuer is out of date") },
        { "too-old", N_("the list of its issuer is older than is allowed") },
        { "hold-out-of-date", N_("the list of its issuer is out of date") },
        { "made-after-the-certificate-ended",
                N_("the certificate had ended when the list of its issuer was made") },
        { "unknown-to-the-responder", N_("whoever was asked about it does not know it") },
};

static const char *member(const json_t *object, const char *name)
{
        const char *text = json_string_value(json_object_get(object, name));
        return text ? text : "";
}

static const char *words_for(const char *code)
{
        for (size_t i = 0; i < ARRAY_LEN(whys); i++)
                if (strcmp(whys[i].code, code) == 0)
                        return _(whys[i].words);
        return _("what is here about it cannot be used");
}

/* ISO 8601 as the result writes it, in the calendar of the reader. */
static const char *day_of(const struct cli *cli, char dst[static 96], const char *iso)
{
        struct tm tm = { 0 };
        dst[0] = '\0';
        return strptime(iso, "%Y-%m-%dT%H:%M:%SZ", &tm) ? cli_time(cli, dst, timegm(&tm)) : dst;
}

static void show_good(const struct cli *cli, const json_t *revocation)
{
        char when[96], later[96];
        printf("%s %s\n", _("Not revoked, as of"), day_of(cli, when, member(revocation, "as_of")));
        if (strcmp(member(revocation, "why"), "revoked-later") == 0)
                printf("%s %s\n", _("It was revoked later:"),
                        day_of(cli, later, member(revocation, "revoked_at")));
        if (strcmp(member(revocation, "why"), "responder-unchecked") == 0)
                printf("%s\n", _("Not checked: whether whoever said so was revoked."));
}

/* The leaf, if it is known to be good: then what is not known is about a CA above it. */
static const json_t *good_leaf(const json_t *revocation)
{
        const json_t *leaf = json_array_get(json_object_get(revocation, "certificates"), 0);
        bool good = strcmp(member(leaf, "certificate"), "leaf") == 0 &&
                    strcmp(member(leaf, "state"), "good") == 0;
        return good ? leaf : NULL;
}

void show_revocation(const struct cli *cli, const json_t *all)
{
        const json_t *revocation = json_object_get(all, "revocation");
        const json_t *leaf = good_leaf(revocation);
        const char *code = member(revocation, "why");
        char text[CLI_TEXT_MAX];
        if (strcmp(member(revocation, "state"), "good") == 0) {
                show_good(cli, revocation);
                return;
        }
        if (leaf)
                show_good(cli, leaf);
        printf("%s %s (%s)\n",
                leaf ? _("Not checked: whether the certificate of an authority above it was "
                         "revoked:")
                     : _("Not checked: whether the certificate was revoked:"),
                words_for(code), cli_text(cli, text, code));
}
