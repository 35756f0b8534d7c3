/* SPDX-License-Identifier: Apache-2.0 */
/* bench_verify: how many assertions mohr_verify() judges in a second.
 *
 *      bench_verify SECONDS PROCESSES
 *
 * Makes its own TEST chain, many leaves below one CA, and an assertion of each. `new` goes round all of
 * them, more than the verifier remembers, so that each leaf is as good as never seen; `again` asks about
 * one. Prints `name value` lines, per second of CPU time (as `openssl speed` counts) for one process, and
 * per second of the clock for one process, for PROCESSES at once, and for as many threads with one trust object.
 * Then where the time of a new leaf goes, in microseconds: the same steps as in verify.c, one after another.
 */
#include "client-sdk/assertion.h"
#include "client-sdk/base64.h"
#include "client-sdk/claims.h"
#include "client-sdk/members.h"
#include "client-sdk/mohr.h"
#include "client-sdk/trust.h"
#include "drivers/softcard/pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define LEAVES   200
#define AUDIENCE "https://office.example"
#define NONCE    "0123456789abcdef"

struct bench {
        char root_path[64];
        EVP_PKEY *key;
        X509 *root;
        char *assertions[LEAVES];
};

static const char *const root_name[] = { "C", "IR", "O", "Iran Government", "OU", "NOCR", "CN",
        "IRAN Bench CA TEST", NULL };

struct rates {
        double cpu, wall;
};

static double now(clockid_t clock)
{
        struct timespec t;
        clock_gettime(clock, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static X509 *make_leaf(const struct bench *bench, unsigned int number)
{
        char cn[32];
        const char *const subject[] = { "C", "IR", "OU", "IRAN Citizen", "GN", "آزمونه", "SN",
                "نمونه‌نژاد", "CN", cn, NULL };
        const struct pki_row row = { "leaf", "root", 0, PKI_SIGNATURE, subject, -2, 5, false,
                false };
        snprintf(cn, sizeof cn, "%010u - SIG", 99900000 + number);
        return pki_certificate(&row, bench->key, bench->root, bench->key, time(NULL));
}

static int sign(EVP_PKEY *key, const char *text, uint8_t sig[512], size_t *len)
{
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        *len = 512;
        bool good = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestSign(ctx, sig, len, (const uint8_t *)text, strlen(text)) == 1;
        EVP_MD_CTX_free(ctx);
        return good ? 0 : -EIO;
}

static int make_assertion(const struct bench *bench, unsigned int number, char **ret)
{
        const struct assertion_request request = { .audience = AUDIENCE, .nonce = NONCE };
        const struct assertion_facts facts = { .issuer_id = "0123456789abcdef0123456789abcdef",
                .now = time(NULL),
                .auth_time = time(NULL),
                .life = ASSERTION_LIFE,
                .pin_entry = "pinentry",
                .software = "mohr " MOHR_VERSION,
                .card = { .generation = "mav2", .simulated = true } };
        _cleanup_free_ char *input = NULL;
        const char *why = NULL;
        uint8_t sig[512];
        size_t len;
        X509 *leaf = make_leaf(bench, number);
        int r = leaf ? assertion_signing_input(&request, &facts, leaf, bench->root, &input, &why)
                     : -EIO;
        if (r == 0)
                r = sign(bench->key, input, sig, &len);
        if (r == 0)
                r = assertion_finish(input, leaf, sig, len, ret);
        if (r != 0)
                fprintf(stderr, "bench_verify: %s (%d)\n", why ? why : "no assertion", r);
        X509_free(leaf);
        return r;
}

static int prepare(struct bench *bench)
{
        const struct pki_row row = { "root", "root", 0, PKI_CA, root_name, -14, 10, false, false };
        bench->key = EVP_RSA_gen(2048);
        bench->root =
                bench->key ? pki_certificate(&row, bench->key, NULL, bench->key, time(NULL)) : NULL;
        snprintf(
                bench->root_path, sizeof bench->root_path, "/tmp/mohr-bench-%d.pem", (int)getpid());
        FILE *file = bench->root ? fopen(bench->root_path, "we") : NULL;
        if (!file || PEM_write_X509(file, bench->root) != 1 || fclose(file) != 0)
                return -EIO;
        int r = 0;
        for (unsigned int i = 0; r == 0 && i < LEAVES; i++)
                r = make_assertion(bench, i, &bench->assertions[i]);
        return r;
}

static bool holds(const struct bench *bench, struct mohr_trust *trust, size_t leaf)
{
        const struct mohr_verify_options options = { .audience = AUDIENCE, .nonce = NONCE };
        struct mohr_result *result = NULL;
        int r = mohr_verify(
                trust, bench->assertions[leaf], strlen(bench->assertions[leaf]), &options, &result);
        if (r != 0)
                fprintf(stderr, "bench_verify: %s %s\n",
                        result ? mohr_reason_name(mohr_result_reason(result)) : "broken",
                        result ? mohr_result_detail(result) : "");
        mohr_result_free(result);
        return r == 0;
}

/* Judgements per second, or -1 if one was not "all holds". */
static struct rates rate(
        const struct bench *bench, struct mohr_trust *trust, size_t leaves, double seconds)
{
        double began = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        size_t done = 0;
        while (now(CLOCK_MONOTONIC) < began + seconds)
                if (!holds(bench, trust, done++ % leaves))
                        return (struct rates){ -1, -1 };
        return (struct rates){ (double)done / (now(CLOCK_PROCESS_CPUTIME_ID) - cpu),
                (double)done / (now(CLOCK_MONOTONIC) - began) };
}

static struct rates one_process(const struct bench *bench, size_t leaves, double seconds)
{
        struct rates rates = { -1, -1 };
        struct mohr_trust *trust = NULL;
        char problem[256] = "";
        if (mohr_trust_load(&trust, bench->root_path, problem, sizeof problem) == 0)
                rates = rate(bench, trust, leaves, seconds);
        mohr_trust_free(trust);
        return rates;
}

static struct rates measure(
        const struct bench *bench, size_t leaves, double seconds, unsigned int processes)
{
        struct rates sum = { 0, 0 }, *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return (struct rates){ -1, -1 };
        for (unsigned int i = 0; i < processes; i++) {
                if (fork() != 0)
                        continue;
                shared[i] = one_process(bench, leaves, seconds);
                _exit(0);
        }
        while (wait(NULL) > 0)
                continue;
        for (unsigned int i = 0; i < processes; i++) {
                sum.cpu += shared[i].cpu;
                sum.wall += shared[i].wall;
        }
        return sum;
}

struct crew {
        const struct bench *bench;
        struct mohr_trust *trust;
        size_t leaves;
        double seconds, wall; /* wall: one thread's */
};

static void *one_of_crew(void *user)
{
        struct crew *member = user;
        member->wall = rate(member->bench, member->trust, member->leaves, member->seconds).wall;
        return NULL;
}

/* Judgements per second of all threads together. */
static double in_threads(
        const struct bench *bench, size_t leaves, double seconds, unsigned int threads)
{
        struct crew crew[64];
        pthread_t ids[64];
        struct mohr_trust *trust = NULL;
        char problem[256] = "";
        double sum = 0;
        if (mohr_trust_load(&trust, bench->root_path, problem, sizeof problem) != 0)
                return -1;
        for (unsigned int i = 0; i < threads; i++) {
                crew[i] = (struct crew){ bench, trust, leaves, seconds, 0 };
                if (pthread_create(&ids[i], NULL, one_of_crew, &crew[i]) != 0)
                        abort();
        }
        for (unsigned int i = 0; i < threads; i++) {
                pthread_join(ids[i], NULL);
                sum += crew[i].wall;
        }
        mohr_trust_free(trust);
        return sum;
}

enum part { PART_PARSE, PART_CHAIN, PART_SIGNATURE, PART_CLAIMS, PART_TOLD, PARTS };

static void need(bool holds, const char *what)
{
        if (holds)
                return;
        fprintf(stderr, "bench_verify: %s\n", what);
        exit(1);
}

static void read_header(struct mohr_trust *trust, const char *text, size_t len, struct signer **ret)
{
        uint8_t json[ASSERTION_MAX];
        enum mohr_reason reason = MOHR_REASON_OK;
        ssize_t got = base64_decode(BASE64_URL, json, sizeof json, text, len);
        need(got > 0 &&
                        signer_read((char *)json, (size_t)got, &trust->issuers, ret, &reason) ==
                                0 &&
                        reason == MOHR_REASON_OK,
                "header");
}

static void read_claims(const struct signer *signer, const char *text, size_t len)
{
        static const struct mohr_verify_options options = { .audience = AUDIENCE, .nonce = NONCE };
        uint8_t json[ASSERTION_MAX];
        bool starved;
        const char *claim = "";
        ssize_t got = base64_decode(BASE64_URL, json, sizeof json, text, len);
        _cleanup_json_ json_t *payload =
                got > 0 ? members_read((char *)json, (size_t)got, &starved) : NULL;
        const struct claims_context context = { &options, time(NULL), 60, &signer->leaf,
                &signer->identity, payload };
        need(payload && claims_check(&context, &claim) == MOHR_REASON_OK, "claims");
}

static void check_signature(
        struct signer *signer, const char *jws, const char *first, const char *second)
{
        uint8_t sig[512];
        ssize_t len = base64_decode(BASE64_URL, sig, sizeof sig, second + 1, strlen(second + 1));
        need(len > 0 && signer_begin(signer, jws, (size_t)(first + 1 - jws)) == 0 &&
                        signer_verifies(
                                signer, first + 1, (size_t)(second - first - 1), sig, (size_t)len),
                "signature");
}

static void tell_result(
        const struct bench *bench, struct mohr_trust *trust, const char *jws, double *ret_began)
{
        const struct mohr_verify_options options = { .audience = AUDIENCE, .nonce = NONCE };
        struct mohr_result *result = NULL;
        (void)bench;
        need(mohr_verify(trust, jws, strlen(jws), &options, &result) == 0, "verify");
        *ret_began = now(CLOCK_PROCESS_CPUTIME_ID);
        free(mohr_result_json(result));
        mohr_result_free(result);
}

/* Adds what each step of one new leaf took. */
static void dissect(
        const struct bench *bench, struct mohr_trust *trust, const char *jws, double sums[PARTS])
{
        const char *first = strchr(jws, '.'), *second = strchr(first + 1, '.');
        _cleanup_signer_ struct signer *signer = NULL;
        struct chain_verdict verdict;
        double at[PARTS + 1], began;
        at[PART_PARSE] = now(CLOCK_PROCESS_CPUTIME_ID);
        read_header(trust, jws, (size_t)(first - jws), &signer);
        at[PART_CHAIN] = now(CLOCK_PROCESS_CPUTIME_ID);
        need(trust_check(trust, signer, time(NULL), &verdict) == 0 &&
                        verdict.reason == MOHR_REASON_OK,
                "chain");
        at[PART_SIGNATURE] = now(CLOCK_PROCESS_CPUTIME_ID);
        check_signature(signer, jws, first, second);
        at[PART_CLAIMS] = now(CLOCK_PROCESS_CPUTIME_ID);
        read_claims(signer, first + 1, (size_t)(second - first - 1));
        at[PART_TOLD] = now(CLOCK_PROCESS_CPUTIME_ID);
        for (int part = 0; part < PART_TOLD; part++)
                sums[part] += at[part + 1] - at[part];
        tell_result(bench, trust, jws, &began);
        sums[PART_TOLD] += now(CLOCK_PROCESS_CPUTIME_ID) - began;
}

static void tell_parts(const struct bench *bench)
{
        static const char *const names[PARTS] = { "parse", "chain", "signature", "claims", "told" };
        enum { ROUNDS = 5 };
        double sums[PARTS] = { 0 };
        struct mohr_trust *trust = NULL;
        char problem[256] = "";
        need(mohr_trust_load(&trust, bench->root_path, problem, sizeof problem) == 0, problem);
        need(holds(bench, trust, 0), "the first"); /* the CA is known from then on */
        for (size_t i = 0; i < (size_t)ROUNDS * LEAVES; i++)
                dissect(bench, trust, bench->assertions[i % LEAVES], sums);
        for (int part = 0; part < PARTS; part++)
                printf("part_%s %.1f\n", names[part], 1e6 * sums[part] / ROUNDS / LEAVES);
        mohr_trust_free(trust);
}

static void tell(const char *name, const struct bench *bench, size_t leaves, double seconds,
        unsigned int processes)
{
        struct rates one = measure(bench, leaves, seconds, 1),
                     all = measure(bench, leaves, seconds, processes);
        printf("%s %.0f\n%s_wall %.0f\n%s_all %.0f\n%s_threads %.0f\n", name, one.cpu, name,
                one.wall, name, all.wall, name, in_threads(bench, leaves, seconds, processes));
}

int main(int argc, char **argv)
{
        static struct bench bench;
        double seconds = argc == 3 ? strtod(argv[1], NULL) : 0;
        unsigned int processes = argc == 3 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;
        if (seconds <= 0 || processes == 0 || processes > 64)
                return 2;
        if (prepare(&bench) != 0)
                return 1;
        tell("new", &bench, LEAVES, seconds, processes);
        tell("again", &bench, 1, seconds, processes);
        tell_parts(&bench);
        unlink(bench.root_path);
        return 0;
}
