/* SPDX-License-Identifier: Apache-2.0 */
/* trust_fetch.c: mohr trust fetch: the one command that goes online, for CRLs and OCSP answers.
 *
 * It asks where certificates say that it may (CRL distribution points, OCSP responders), or at a URL it is
 * given, and keeps what the CA that is trusted here signed, is of now, and is newer than what is there.
 * Everything else is told and leaves what is there. The verifier reads the folder and never goes online.
 */
#include "client-sdk/cli/fetching.h"

#include "client-sdk/certfile.h"

#include <openssl/x509v3.h>
#include <strings.h>

#define TARGETS_MAX 256

static void free_stack(STACK_OF(X509) * *stack)
{
        sk_X509_pop_free(*stack, X509_free);
}

static void free_texts(STACK_OF(OPENSSL_STRING) * *texts)
{
        X509_email_free(*texts);
}

static int push(STACK_OF(X509) * stack, X509 *cert)
{
        if (!cert || X509_up_ref(cert) != 1)
                return cert ? -ENOMEM : 0;
        if (sk_X509_push(stack, cert) > 0)
                return 0;
        X509_free(cert);
        return -ENOMEM;
}

/* ---- where it is ---------------------------------------------------------------------------- */

static X509 *issuer_of(const struct fetching *f, X509 *cert)
{
        for (int i = 0; i < sk_X509_num(f->authorities); i++) {
                X509 *authority = sk_X509_value(f->authorities, i);
                if (X509_check_issued(authority, cert) == X509_V_OK &&
                        trust_signed_by(cert, X509_get0_pubkey(authority)))
                        return authority;
        }
        return NULL;
}

static bool is_http(const GENERAL_NAME *name)
{
        int type = 0;
        const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &type);
        return type == GEN_URI && ASN1_STRING_length(text) > 7 &&
               strncasecmp((const char *)ASN1_STRING_get0_data(text), "http://", 7) == 0;
}

/* The first that gives a list, of the names of one point: they are ways to the same. */
static int fetch_point(struct fetching *f, const DIST_POINT *point)
{
        const GENERAL_NAMES *all = point->distpoint && point->distpoint->type == 0
                                           ? point->distpoint->name.fullname
                                           : NULL;
        size_t before = f->kept, failed = f->failed;
        int r = 0;
        for (int i = 0; r == 0 && f->kept == before && i < sk_GENERAL_NAME_num(all); i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
                char url[HTTP_URL_MAX + 1] = "";
                if (!is_http(name))
                        continue;
                const ASN1_STRING *text = GENERAL_NAME_get0_value(name, NULL);
                snprintf(url, sizeof url, "%.*s", ASN1_STRING_length(text),
                        (const char *)ASN1_STRING_get0_data(text));
                r = fetching_list(f, url);
        }
        if (f->kept > before)
                f->failed = failed; /* of the others nobody needs to know more */
        return r;
}

static int fetch_points(struct fetching *f, X509 *cert)
{
        STACK_OF(DIST_POINT) *points =
                X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
        int r = 0;
        for (int i = 0; r == 0 && i < sk_DIST_POINT_num(points); i++)
                r = fetch_point(f, sk_DIST_POINT_value(points, i));
        CRL_DIST_POINTS_free(points);
        return r;
}

static int fetch_responders(struct fetching *f, X509 *cert)
{
        _cleanup_(free_texts) STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(cert);
        X509 *issuer = issuer_of(f, cert);
        size_t before = f->kept;
        int r = 0;
        for (int i = 0; r == 0 && f->kept == before && i < sk_OPENSSL_STRING_num(urls); i++) {
                const char *url = sk_OPENSSL_STRING_value(urls, i);
                r = issuer ? fetching_answer(f, url, cert, issuer)
                           : fetching_refuse(
                                     f, url, "nobody who is trusted here issued the certificate");
        }
        return r;
}

static int fetch_for(struct fetching *f, X509 *cert)
{
        int r = fetch_points(f, cert);
        return r == 0 ? fetch_responders(f, cert) : r;
}

/* ---- what it is about ---------------------------------------------------------------------- */

static int take_certificate(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct fetching *f = user;
        _cleanup_x509_ X509 *cert = NULL;
        struct leaf leaf;
        int r = leaf_parse(der, len, &cert, &leaf);
        if (r == -EBADMSG || sk_X509_num(f->given) >= TARGETS_MAX) {
                snprintf(f->problem, sizeof f->problem, "%s: %s", path,
                        r ? "not a certificate in strict DER" : "too many certificates");
                return OUTCOME_INVALID;
        }
        return r == 0 ? push(f->given, cert) : r;
}

static int read_given(struct fetching *f, char *const *names)
{
        const struct certfile in = { .each = take_certificate,
                .user = f,
                .problem = f->problem,
                .problem_cap = sizeof f->problem };
        int r = 0;
        for (; r == 0 && *names; names++)
                if (!strstr(*names, "://"))
                        r = certfile_read(&in, *names);
        return r;
}

/* CAs among what was given count only if they lead to an anchor. */
static int gather_authorities(struct fetching *f)
{
        int r = 0;
        for (int i = 0; r == 0 && i < sk_X509_num(f->anchors->between); i++)
                r = push(f->authorities, sk_X509_value(f->anchors->between, i));
        for (enum trust_scope scope = 0; scope < TRUST_SCOPES; scope++) {
                X509_STORE *store = f->anchors->scopes[scope].store;
                STACK_OF(X509_OBJECT) *objects = store ? X509_STORE_get0_objects(store) : NULL;
                for (int i = 0; r == 0 && i < sk_X509_OBJECT_num(objects); i++)
                        r = push(f->authorities,
                                X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)));
                for (int i = 0; r == 0 && i < sk_X509_num(f->given); i++) {
                        X509 *cert = sk_X509_value(f->given, i);
                        if (X509_check_ca(cert) == 1 && store &&
                                trust_leads(f->anchors, scope, cert, f->given) > 0)
                                r = push(f->authorities, cert);
                }
        }
        return r;
}

/* CAs that mohrd met on cards; what of them cannot be used is none. */
static int load_issuers(struct fetching *f)
{
        _cleanup_free_ char *path = NULL;
        char problem[512];
        int r = store_issuers(&path);
        if (r == 0)
                r = mohr_trust_load_issuers(f->anchors, path, problem, sizeof problem);
        return r == -ENOMEM ? r : 0;
}

static int load_anchors(struct fetching *f)
{
        int r = 0;
        if (!f->trust && !f->staff)
                r = mohr_trust_load_store(&f->anchors, f->problem, sizeof f->problem);
        if (r == 0 && f->trust)
                r = mohr_trust_load(&f->anchors, f->trust, f->problem, sizeof f->problem);
        if (r == 0 && f->staff)
                r = mohr_trust_load_staff(&f->anchors, f->staff, f->problem, sizeof f->problem);
        return r == 0 ? load_issuers(f) : r;
}

/* Nothing named: what the anchors themselves name. */
static int fetch_all(struct fetching *f, char *const *names)
{
        const STACK_OF(X509) *certs = *names ? f->given : f->authorities;
        int r = 0;
        for (int i = 0; r == 0 && i < sk_X509_num(certs); i++)
                r = fetch_for(f, sk_X509_value(certs, i));
        for (; r == 0 && *names; names++)
                if (strstr(*names, "://"))
                        r = fetching_list(f, *names);
        return r;
}

static int report(struct fetching *f)
{
        int r = f->cli->json ? trust_print_json(f->cli, f->rows) : 0;
        if (r == 0 && !f->cli->json && json_array_size(f->rows) == 0)
                printf("%s\n",
                        _("These certificates name no list and nobody to ask: there is nothing to "
                          "fetch."));
        if (r == 0 && !cli_flushed())
                r = OUTCOME_INTERNAL;
        if (r != 0 || f->failed == 0)
                return r;
        cli_headline(f->cli, _("Not everything could be fetched; what was here before stays."),
                OUTCOME_INVALID);
        return OUTCOME_INVALID;
}

static int run(struct fetching *f, char *const *names)
{
        int r = load_anchors(f);
        if (r > 0)
                return cli_report_as(f->cli, r,
                        _("The roots you trust cannot be read, so nothing was fetched."),
                        _("What is fetched must be signed by a CA that leads to one of them. Keep "
                          "one with: "
                          "mohr trust add FILE"),
                        f->problem, NULL);
        if (r == 0)
                r = read_given(f, names);
        if (r > 0)
                return trust_report_unreadable(f->cli, r, f->problem);
        if (r == 0)
                r = gather_authorities(f);
        if (r == 0)
                r = fetch_all(f, names);
        return r < 0 ? cli_result(f->cli, r, NULL) : report(f);
}

static int parse_seconds(const char *text)
{
        size_t digits = strspn(text, "0123456789");
        return digits >= 1 && digits <= 3 && !text[digits] ? (int)strtol(text, NULL, 10) : 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct fetching *f)
{
        static const struct option options[] = { { "into", required_argument, NULL, 'i' },
                { "system", no_argument, NULL, 'y' }, { "trust", required_argument, NULL, 't' },
                { "staff-anchors", required_argument, NULL, 's' },
                { "timeout", required_argument, NULL, 'o' }, { "json", no_argument, NULL, 'j' },
                { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                switch (option) {
                case 'i': f->into = optarg; break;
                case 'y': f->system = true; break;
                case 't': f->trust = optarg; break;
                case 's': f->staff = optarg; break;
                case 'o': f->timeout_s = parse_seconds(optarg); break;
                case 'j': cli->json = true; break;
                default:
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                }
        if (f->timeout_s < 1 || f->timeout_s > HTTP_TIMEOUT_MAX)
                return cli_usage(cli, _("--timeout takes seconds, 1 to 600."));
        return 0;
}

int trust_fetch(struct cli *cli, int argc, char **argv)
{
        _cleanup_(free_stack) STACK_OF(X509) *authorities = sk_X509_new_null();
        _cleanup_(free_stack) STACK_OF(X509) *given = sk_X509_new_null();
        _cleanup_json_ json_t *rows = json_array();
        struct fetching f = { .cli = cli,
                .timeout_s = HTTP_TIMEOUT,
                .authorities = authorities,
                .given = given,
                .rows = rows };
        int r = parse(cli, argc, argv, &f);
        if (r != 0)
                return r;
        r = authorities && given && rows ? run(&f, argv + optind) : cli_result(cli, -ENOMEM, NULL);
        mohr_trust_free(f.anchors);
        return r;
}
