/* SPDX-License-Identifier: Apache-2.0 */
/* sign_ask.c: mohrd is asked: every document of a group is added first, so that what cannot be signed is known before anybody is asked
 * for a PIN; then the group is signed under one consent, and each result takes its place the moment it is complete. So what was signed
 * stays, whatever becomes of the rest.
 */
#include "client-sdk/cli/sign.h"

#include "client-sdk/members.h"
#include "client-sdk/assertion.h"

#define GROUP_MAX 64 /* documents under one consent */

static const char *name_of(const struct sign_item *item)
{
        const char *slash = strrchr(item->file, '/');
        return slash ? slash + 1 : item->file;
}

/* ---- adding -------------------------------------------------------------------------------- */

static json_t *last_words(const struct mohr_client *client)
{
        const char *text = mohr_client_text(client);
        bool starved = false;
        return text ? members_read(text, strlen(text), &starved) : NULL;
}

/* mohrd's sentences are English, and know nothing of options: those that somebody can do something about are said here. */
static const char *refusal(const char *why, const char *detail)
{
        static const struct {
                const char *why, *text;
        } rows[] = {
                { "encrypted", N_("The PDF is encrypted. Take its password off, or give it a "
                                  "signature beside it: --form cms") },
                { "damaged", N_("The PDF is damaged. Have it written anew, or give it a signature "
                                "beside it: --form cms") },
                { "certified", N_("Whoever signed the PDF first allows no more signatures. Ask "
                                  "them, or give it a signature beside it: --form cms") },
                { "not-a-pdf", N_("The document is no PDF. Without --form it gets a signature "
                                  "beside it.") },
                { "not-json", N_("The document is no JSON. Without --form it gets a signature "
                                 "beside it.") },
                { "page", N_("The PDF has no such page, or the stamp does not lie on it.") },
                { "no-stamp", N_("No stamp can be drawn. Install the package mohr-receipt, or "
                                 "leave --stamp out.") },
                { "changed", N_("The document changed while it was read. Close the program that "
                                "writes it, and sign once more.") },
                { "disk-full", N_("There is not enough room on the disk of the result or in "
                                  "/var/tmp.") },
                { "too-large", N_("The document is larger than can be worked on here.") },
                { "signer", N_("There is no signature of this number.") },
                { "not-a-signature", N_("The file is no signature of a kind that is known "
                                        "here.") },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].why, why) == 0)
                        return _(rows[i].text);
        return detail;
}

/* Of which file, and the stable word, for whoever reads it over the telephone. */
static int not_added(const struct sign *sign, const struct sign_item *item, int r)
{
        char name[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 400];
        if (r != OUTCOME_DOCUMENT)
                return cli_result(sign->cli, r, sign->client);
        _cleanup_json_ json_t *said = last_words(sign->client);
        const char *why = json_string_value(json_object_get(said, "why"));
        snprintf(line, sizeof line, "%s: %s [%s]", cli_text(sign->cli, name, item->file),
                refusal(why ? why : "", mohr_client_detail(sign->client)), why ? why : "");
        return cli_report(sign->cli, r, line, NULL);
}

static bool keep_description(struct sign_item *item, const char *json)
{
        bool starved = false;
        _cleanup_json_ json_t *told = members_read(json, strlen(json), &starved);
        const char *handle = json_string_value(json_object_get(told, "document"));
        const char *digest = json_string_value(json_object_get(told, "digest"));
        if (!handle || !digest || strlen(handle) >= sizeof item->handle || strlen(digest) != 64)
                return false;
        snprintf(item->handle, sizeof item->handle, "%s", handle);
        snprintf(item->digest, sizeof item->digest, "%s", digest);
        return true;
}

static int add(struct sign *sign, struct sign_item *item)
{
        _cleanup_free_ char *json = NULL;
        bool stamped = item->form == SIGN_PDF && sign->stamp.page > 0;
        const struct mohr_to_sign document = {
                .name = name_of(item),
                .form = sign_form_name(item->form),
                .location = item->form == SIGN_PDF ? sign->location : NULL,
                .stamp = stamped ? &sign->stamp : NULL,
                .commitment = sign->commitment,
                .policy = sign->policy,
                .policy_digest = sign->policy_digest,
                .no_time = sign->no_time,
                .signer = sign->countersign > 0 ? sign->countersign - 1 : 0,
        };
        int r = place_open(item);
        if (r < 0)
                return cli_usage(sign->cli, "%s: %s", item->out, strerror(-r));
        r = mohr_client_add_document(sign->client, &document, item->from, item->to, &json);
        if (r != 0)
                return not_added(sign, item, r);
        return keep_description(item, json) ? 0 : cli_result(sign->cli, -EBADMSG, NULL);
}

/* ---- signing ------------------------------------------------------------------------------- */

static struct sign_item *find(struct sign *sign, const char *handle)
{
        for (size_t i = 0; i < sign->count; i++)
                if (strcmp(sign->items[i].handle, handle) == 0)
                        return &sign->items[i];
        return NULL;
}

static size_t number_of(const struct sign *sign, const struct sign_item *item)
{
        return (size_t)(item - sign->items) + 1;
}

/* "2 of 5: contract.pdf", once for each. */
static void announce(struct sign *sign, struct sign_item *item)
{
        char name[CLI_TEXT_MAX], line[CLI_LINE_MAX], digits[CLI_LINE_MAX];
        if (sign->last == item || sign->count == 1)
                return;
        sign->last = item;
        snprintf(line, sizeof line, _("Document %zu of %zu:"), number_of(sign, item), sign->count);
        fprintf(stderr, "%s %s\n", cli_digits(sign->cli, digits, line),
                cli_text(sign->cli, name, item->file));
}

/* The signature's own value, by which a timestamp finds it among others. */
static int keep_value(const struct sign *sign, struct sign_item *item)
{
        _cleanup_sign_cms_ struct sign_cms made = { 0 };
        struct cms_signature signature;
        unsigned int count;
        const char *why = NULL;
        if (!sign->url || (item->form != SIGN_CMS && item->form != SIGN_ATTACHED))
                return 0;
        int r = sign_cms_read(item->to, &made);
        if (r == 0)
                r = cms_signature_at(made.cms, made.len, 0, &signature, &count, &why);
        if (r != 0)
                return r > 0 ? -EBADMSG : r;
        memcpy(item->value, signature.value, signature.value_len);
        item->value_len = signature.value_len;
        return 0;
}

/* The result takes its place. What fails here is told when the call has ended. */
static void settle(struct sign *sign, struct sign_item *item)
{
        int r = keep_value(sign, item);
        if (r == 0 && sign->add)
                r = sign_add_others(sign, item);
        if (r == 0)
                r = place_put(item);
        item->is_signed = r == 0;
        item->failed = r;
}

static void on_progress(void *user, const char *document, const char *phase)
{
        struct sign *sign = user;
        struct sign_item *item = find(sign, document);
        if (!item)
                return;
        if (isatty(STDERR_FILENO)) {
                announce(sign, item);
                cli_show_phase(NULL, phase);
        }
        if (strcmp(phase, "signed") == 0)
                settle(sign, item);
}

/* What became of a result that is not in its place: by the word that says why, the last row for all else. */
static const struct misplaced {
        const char *why, *text, *next;
} misplaced[] = {
        { "same-signature",
                N_("The very same signature is in that file already: this card made it within the "
                   "same second."),
                N_("Sign again only if there shall be a second one.") },
        { NULL, N_("It was signed, but the result could not be put into its place."),
                N_("Make room, or choose another place with --out or --out-dir, and sign once "
                   "more.") },
};

static const struct misplaced *misplaced_by(const struct sign_item *item)
{
        const struct misplaced *row = misplaced;
        while (row->why && (item->failed < 0 || strcmp(row->why, item->failed_why) != 0))
                row++;
        return row;
}

static int not_placed(const struct sign *sign, const struct sign_item *items, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                const struct sign_item *item = &items[i];
                char name[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 128];
                if (item->failed == 0)
                        continue;
                snprintf(line, sizeof line, "%s: %s", cli_text(sign->cli, name, item->out),
                        item->failed < 0 ? strerror(-item->failed) : item->failed_why);
                const struct misplaced *row = misplaced_by(item);
                return cli_report_as(
                        sign->cli, OUTCOME_DOCUMENT, _(row->text), _(row->next), line, NULL);
        }
        return 0;
}

/* The one that mohrd's last error is about, or NULL. */
static const struct sign_item *refused(struct sign *sign)
{
        _cleanup_json_ json_t *said = last_words(sign->client);
        const char *handle = json_string_value(json_object_get(said, "document"));
        return handle ? find(sign, handle) : NULL;
}

/* Why, and how many are signed. */
static int not_signed(struct sign *sign, int r)
{
        char line[CLI_LINE_MAX], digits[CLI_LINE_MAX];
        size_t done = 0;
        for (size_t i = 0; i < sign->count; i++)
                done += sign->items[i].is_signed || sign->items[i].present;
        const struct sign_item *item = refused(sign);
        r = r == OUTCOME_DOCUMENT && item ? not_added(sign, item, r)
                                          : cli_result(sign->cli, r, sign->client);
        if (sign->count > 1) {
                snprintf(line, sizeof line,
                        _("%zu of %zu documents are signed. The same command with --resume goes on "
                          "with the rest."),
                        done, sign->count);
                fprintf(stderr, "      %s\n", cli_digits(sign->cli, digits, line));
        }
        return r;
}

static int sign_group(struct sign *sign, size_t from, size_t to)
{
        const char *handles[GROUP_MAX + 1] = { NULL };
        struct mohr_ui ui = { 0 };
        char tty[64];
        size_t count = 0;
        for (size_t i = from; i < to; i++)
                if (!sign->items[i].present)
                        handles[count++] = sign->items[i].handle;
        cli_describe_ui(sign->cli, &ui, tty, sizeof tty);
        const struct mohr_signing signing = {
                .documents = handles,
                .purpose = sign->purpose,
                .reader = sign->reader,
                .timeout_s = sign->timeout_s,
                .ui = &ui,
        };
        int r = mohr_client_sign_documents(sign->client, &signing, on_progress, sign);
        int placed = not_placed(sign, sign->items + from, to - from);
        if (r == 0 || placed != 0)
                return placed;
        return not_signed(sign, r);
}

/* As many as there may be under one consent; a signature of a signature is agreed to by itself. */
static size_t group_end(const struct sign *sign, size_t from)
{
        size_t most = sign->countersign ? 1 : GROUP_MAX, end = from, count = 0;
        while (end < sign->count && count < most)
                count += !sign->items[end++].present;
        return end;
}

static int ask_group(struct sign *sign, size_t from, size_t to)
{
        bool any = false;
        int r = 0;
        for (size_t i = from; r == 0 && i < to; i++)
                if (!sign->items[i].present) {
                        any = true;
                        r = add(sign, &sign->items[i]);
                }
        return r == 0 && any ? sign_group(sign, from, to) : r;
}

int sign_ask(struct sign *sign)
{
        int r = cli_connect(sign->cli, &sign->client);
        for (size_t from = 0, to; r == 0 && from < sign->count; from = to) {
                to = group_end(sign, from);
                r = ask_group(sign, from, to);
        }
        return r;
}
