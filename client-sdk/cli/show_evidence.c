/* SPDX-License-Identifier: Apache-2.0 */
/* show_evidence.c: what a bundle or a receipt says besides its assertion, for people: when the assertion was
 * received, whose word that is, and what to compare a page with.
 */
#include "client-sdk/cli/cli.h"

#include "client-sdk/assertion.h"

#include <time.h>

static const char *member(const json_t *object, const char *name)
{
        const char *text = json_string_value(json_object_get(object, name));
        return text ? text : "";
}

/* ISO 8601 as the result writes it, in the calendar of the reader. */
static const char *moment(const struct cli *cli, char dst[static 96], const char *iso)
{
        struct tm tm = { 0 };
        dst[0] = '\0';
        return strptime(iso, "%Y-%m-%dT%H:%M:%SZ", &tm) ? cli_time(cli, dst, timegm(&tm)) : dst;
}

static void show_timestamp(const struct cli *cli, const json_t *row)
{
        char when[96], text[CLI_TEXT_MAX];
        bool trusted = json_is_true(json_object_get(row, "trusted"));
        printf("  %s: %s, %s%s\n", _("Timestamp"), moment(cli, when, member(row, "at")),
                cli_text(cli, text, member(row, "authority")),
                trusted ? "" : _(" (not checked; use --tsa-anchors)"));
}

static void show_times(const struct cli *cli, const json_t *evidence)
{
        char when[96];
        bool proven = strcmp(member(evidence, "basis"), "timestamp") == 0;
        const json_t *timestamps = json_object_get(evidence, "timestamps");
        printf("  %s: %s (%s)\n", _("Received"), moment(cli, when, member(evidence, "received_at")),
                proven ? _("confirmed by the timestamp") : _("by the word of the office alone"));
        for (size_t i = 0; i < json_array_size(timestamps); i++)
                show_timestamp(cli, json_array_get(timestamps, i));
        if (member(evidence, "revoked_later")[0])
                printf("  %s: %s\n", _("Revoked after that"),
                        moment(cli, when, member(evidence, "revoked_later")));
}

void show_evidence(const struct cli *cli, const json_t *all)
{
        const json_t *evidence = json_object_get(all, "evidence"),
                     *earlier = json_object_get(evidence, "earlier");
        if (!evidence)
                return;
        printf("%s\n", _("Kept as evidence:"));
        show_times(cli, evidence);
        printf("  %s: %s\n", _("SHA-256 of the bundle"), member(evidence, "sha256"));
        for (size_t i = 0; i < json_array_size(earlier); i++)
                printf("  %s: %s\n", _("SHA-256 before a timestamp was added"),
                        json_string_value(json_array_get(earlier, i)));
        if (strcmp(member(evidence, "form"), "receipt") == 0)
                printf("%s\n", _("Not checked: what the page shows. What counts is the file in it, "
                                 "which is shown here."));
}
