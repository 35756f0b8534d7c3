/* SPDX-License-Identifier: Apache-2.0 */
/* fetching.c: see fetching.h. What is refused leaves what is there already. */
#include "client-sdk/cli/fetching.h"

#include "base/file.h"
#include "base/text.h"
#include "client-sdk/fetched.h"
#include "client-sdk/members.h"

#include <time.h>

#define FOLDER_MODE  0755
#define PRIVATE_MODE 0700
#define FILE_MODE    0644

static void free_request(OCSP_REQUEST **request)
{
        OCSP_REQUEST_free(*request);
}

static void free_der(unsigned char **der)
{
        OPENSSL_free(*der);
}

/* ---- telling ------------------------------------------------------------------------------- */

static int note(struct fetching *f, const char *what, const char *result, const char *why)
{
        json_t *row = json_pack("{s:s, s:s}", "source", what, "result", result);
        const struct member rows[] = { { "why", why } };
        return json_array_append_new(f->rows, row ? members_of(row, rows, 1) : NULL) < 0 ? -ENOMEM
                                                                                         : 0;
}

int fetching_refuse(struct fetching *f, const char *what, const char *why)
{
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX];
        f->failed++;
        fprintf(stderr, "%s\n      %s\n", cli_text(f->cli, text, what),
                cli_text(f->cli, line, why));
        return note(f, what, "refused", why);
}

static int tell_kept(struct fetching *f, const char *what, const struct fetched *fetched,
        const char *path, bool fresh)
{
        char text[CLI_TEXT_MAX], authority[CLI_TEXT_MAX], as_of[96], next[96], iso[24];
        f->kept++;
        if (!f->cli->json) {
                printf("%s %s\n", fresh ? _("Kept:") : _("Already here:"),
                        cli_text(f->cli, text, path));
                printf("      %s: %s\n", _("Of"), cli_text(f->cli, authority, fetched->authority));
                printf("      %s: %s\n", _("As of"), cli_time(f->cli, as_of, fetched->as_of));
                if (fetched->next_update != 0)
                        printf("      %s: %s\n", _("Valid until"),
                                cli_time(f->cli, next, fetched->next_update));
        }
        if (note(f, what, fresh ? "kept" : "unchanged", NULL) < 0)
                return -ENOMEM;
        text_iso8601(iso, fetched->as_of);
        json_t *row = json_array_get(f->rows, json_array_size(f->rows) - 1);
        const struct member members[] = { { "path", path }, { "authority", fetched->authority },
                { "as_of", iso } };
        return members_add(row, members, ARRAY_LEN(members)) ? 0 : -ENOMEM;
}

/* ---- keeping ------------------------------------------------------------------------------- */

static int path_of(const struct fetching *f, const char *name, char **ret_folder, char **ret_path)
{
        char *folder = f->into ? strdup(f->into) : NULL;
        int r = f->into ? (folder ? 0 : -ENOMEM)
                        : store_folder(f->system ? STORE_SYSTEM : STORE_USER, STORE_CRLS, &folder);
        if (r == 0 && asprintf(ret_path, "%s/%s", folder, name) < 0)
                r = -ENOMEM;
        if (r == 0)
                *ret_folder = folder;
        else
                free(folder);
        return r;
}

static int keep(struct fetching *f, const char *what, const struct fetched *fetched,
        const uint8_t *der, size_t len)
{
        _cleanup_free_ char *folder = NULL, *path = NULL;
        int64_t before = 0;
        int r = path_of(f, fetched->name, &folder, &path);
        if (r == 0)
                r = fetched_before(path, &before);
        if (r == 0 && before > fetched->as_of)
                return fetching_refuse(f, what, "it is older than the one that is here");
        bool fresh = before < fetched->as_of || strstr(fetched->name, ".ocsp");
        if (r == 0 && fresh)
                r = file_make_folders(folder, f->into || f->system ? FOLDER_MODE : PRIVATE_MODE);
        if (r == 0 && fresh)
                r = file_replace(path, der, len, FILE_MODE);
        return r == 0 ? tell_kept(f, what, fetched, path, fresh) : r;
}

/* ---- fetching ------------------------------------------------------------------------------ */

int fetching_list(struct fetching *f, const char *url)
{
        _cleanup_free_ uint8_t *der = NULL;
        size_t len = 0;
        char why[REVOCATION_WHY_MAX] = "";
        struct fetched fetched;
        const struct http_request request = {
                .url = url, .cap = REVOCATION_CRL_MAX, .timeout_s = f->timeout_s
        };
        int r = http_fetch(&request, &der, &len, f->problem, sizeof f->problem);
        if (r > 0)
                return fetching_refuse(f, url, f->problem);
        if (r == 0)
                r = fetched_list(der, len, f->authorities, time(NULL), &fetched, why);
        if (r > 0)
                return fetching_refuse(f, url, why);
        return r == 0 ? keep(f, url, &fetched, der, len) : r;
}

int fetching_answer(struct fetching *f, const char *url, X509 *cert, X509 *issuer)
{
        _cleanup_(free_request) OCSP_REQUEST *question = NULL;
        _cleanup_(free_der) unsigned char *body = NULL;
        _cleanup_free_ uint8_t *der = NULL;
        size_t body_len = 0, len = 0;
        char why[REVOCATION_WHY_MAX] = "";
        struct fetched fetched;
        int r = fetched_question(cert, issuer, &question, &body, &body_len);
        if (r < 0)
                return r;
        const struct http_request request = { .url = url,
                .content_type = "application/ocsp-request",
                .body = body,
                .body_len = body_len,
                .expect = "application/ocsp-response",
                .cap = REVOCATION_OCSP_MAX,
                .timeout_s = f->timeout_s };
        r = http_fetch(&request, &der, &len, f->problem, sizeof f->problem);
        if (r > 0)
                return fetching_refuse(f, url, f->problem);
        if (r == 0)
                r = fetched_answer(der, len, question, cert, issuer, time(NULL), &fetched, why);
        if (r > 0)
                return fetching_refuse(f, url, why);
        if (r == 0 && !fetched.nonce)
                cli_warn(f->cli,
                        _("This answer was made beforehand: it does not repeat our number."));
        return r == 0 ? keep(f, url, &fetched, der, len) : r;
}
