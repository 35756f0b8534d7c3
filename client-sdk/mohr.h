/* SPDX-License-Identifier: Apache-2.0 */
/* mohr.h: libmohr, the library for apps that ask who somebody is and for those that check the answer.
 *
 *      trust  = mohr_trust_load(the national root)
 *      client = mohr_client_connect(the socket) -> mohr_client_assert(audience, nonce) -> assertion
 *      result = mohr_verify(trust, assertion, audience, nonce) -> claims, taken from the certificate
 *
 * Return values: 0 done; > 0 an answer, one of enum mohr_outcome; < 0 broken, a negative errno.
 * Output parameters are named ret_* and untouched on failure. All text is UTF-8. What mohr_*_free()
 * takes may be NULL; it returns NULL. No function here prints, asks, changes the locale or keeps state
 * outside the objects it is given. An object belongs to one thread at a time, but for a trust object and a
 * memory of replays: made and loaded, they serve any number of threads. libmohr(3) tells more.
 */
#ifndef MOHR_H
#define MOHR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* what the shared library shows */

const char *mohr_version(void); /* "0.1.0" */

/* ---- Roots that are trusted ---- */

struct mohr_trust;

/* Reads every certificate of a PEM or DER file, or of the .pem .crt .cer .der files of a folder. At
 * least one, each a CA. An answer of 21 means that there is nothing to trust; `problem` then holds an
 * English line that says why, for operators. */
int mohr_trust_load(struct mohr_trust **ret, const char *path, char *problem, size_t problem_cap);
/* The same for whoever signs for staff cards (PIV): nobody does unless this was called. The two are kept
 * apart: what is trusted here never vouches for a citizen, and a national root never for staff. *trust may
 * be NULL: then it is made, without any national root. */
int mohr_trust_load_staff(
        struct mohr_trust **trust, const char *path, char *problem, size_t problem_cap);
/* Reads CAs between holders and anchors, so that x5c need not have them. Nobody is trusted by that: one that
 * does not lead to an anchor loaded before is left out, and `problem` says so (else it is ""). Answers as above;
 * a folder without any is as good. */
int mohr_trust_load_issuers(
        struct mohr_trust *trust, const char *path, char *problem, size_t problem_cap);
/* Both from where mohr trust add keeps them: /etc/mohr/anchors and staff-anchors, and the same below
 * $XDG_CONFIG_HOME/mohr. 21 if there is none, or if somebody else may write there. */
int mohr_trust_load_store(struct mohr_trust **ret, char *problem, size_t problem_cap);
struct mohr_trust *mohr_trust_free(struct mohr_trust *trust);
/* Whether IRAN Root CA1, the root of the national cards, is among them (by its fingerprint). */
bool mohr_trust_has_national_root(const struct mohr_trust *trust);
/* SHA-256 of that root, hex with colons: what to compare before trusting a file that claims to be it. */
const char *mohr_national_root_fingerprint(void);

/* A published certificate of the national PKI. */
struct mohr_national {
        const char *name;        /* "R1", as in docs/trust.md; stable */
        const char *subject;     /* as far as it is published */
        const char *from, *to;   /* "2012-09-23": the days between which it is valid */
        const char *fingerprint; /* SHA-256, hex with colons */
        bool for_cards; /* it is the root of the national cards; false: it signs for others */
};
/* Which of them these bytes (DER) are, or NULL. It says nothing about whether to trust it. */
const struct mohr_national *mohr_trust_recognise(const void *der, size_t len);

/* ---- Revocation ---- */

/* Whether a certificate was revoked is told by lists of its issuer (CRL) and by answers about it (OCSP)
 * that are given here. Nothing in this library goes online: mohr trust fetch does, and stapling. */
enum mohr_revocation {
        MOHR_REVOCATION_OFF, /* not looked at; the result says so */
        MOHR_REVOCATION_PREFER, /* what is revoked is refused; what is not known is told, with the reason */
        MOHR_REVOCATION_REQUIRE, /* fresh evidence for the leaf and each CA below the anchor, or refused */
};

/* CRLs and OCSP responses of a file (PEM or DER) or of the .crl .ocsp .pem .der files of a folder; `path`
 * NULL: those that mohr trust fetch keeps, which may lack. What can be read is taken; 21 says that something could
 * not be, and `problem` what. Before the first mohr_verify(). */
int mohr_trust_load_revocation(
        struct mohr_trust *trust, const char *path, char *problem, size_t problem_cap);
/* One CRL or OCSP response in DER that came along with an assertion. It need not be trusted: it is judged
 * when it is used. 21 if it is none, or one of a kind that is not used. May be called at any time. */
int mohr_trust_add_revocation(struct mohr_trust *trust, const void *der, size_t len);

/* ---- Checking an assertion ---- */

enum mohr_reason {
        MOHR_REASON_OK,
        MOHR_REASON_TOO_LARGE,
        MOHR_REASON_NOT_COMPACT,
        MOHR_REASON_BASE64,
        MOHR_REASON_HEADER,
        MOHR_REASON_CRITICAL,
        MOHR_REASON_TYPE,
        MOHR_REASON_ALGORITHM,
        MOHR_REASON_CERTIFICATE,
        MOHR_REASON_CERTIFICATE_ORDER,
        MOHR_REASON_NOT_CITIZEN,
        MOHR_REASON_KEY,
        MOHR_REASON_KEY_USAGE,
        MOHR_REASON_UNTRUSTED,
        MOHR_REASON_CHAIN,
        MOHR_REASON_CERTIFICATE_NOT_YET_VALID,
        MOHR_REASON_ISSUER_EXPIRED,
        MOHR_REASON_SIGNATURE,
        MOHR_REASON_PAYLOAD,
        MOHR_REASON_CLAIM_MISSING,
        MOHR_REASON_CLAIM_UNKNOWN,
        MOHR_REASON_CLAIM_MALFORMED,
        MOHR_REASON_VERSION,
        MOHR_REASON_ISSUER,
        MOHR_REASON_AUDIENCE,
        MOHR_REASON_NONCE,
        MOHR_REASON_NOT_YET_VALID,
        MOHR_REASON_EXPIRED,
        MOHR_REASON_LIFE,
        MOHR_REASON_AUTH_TIME,
        MOHR_REASON_NAME,
        MOHR_REASON_NUMBER,
        MOHR_REASON_NATIONAL_NUMBER,
        MOHR_REASON_SUBJECT,
        MOHR_REASON_ASSURANCE,
        MOHR_REASON_KEY_USE,
        MOHR_REASON_CERTIFICATE_FACTS,
        MOHR_REASON_CERTIFICATE_EXPIRED, /* everything else holds: answer 22 */
        MOHR_REASON_NOT_STAFF,
        MOHR_REASON_REVOKED,            /* the leaf, or a CA below the anchor */
        MOHR_REASON_REVOCATION_UNKNOWN, /* policy "require", and nothing fresh says that it is good */
        MOHR_REASON_REPLAYED,
        MOHR_REASON_CLOCK, /* the station's is wrong, and by yours the answer came outside its time */
        MOHR_REASON_EVIDENCE_FORM,    /* no evidence bundle in its one canonical form */
        MOHR_REASON_EVIDENCE_DAMAGED, /* not as it was written: its checksum differs */
        MOHR_REASON_EVIDENCE_CHAIN,   /* the kept issuers are not those above the leaf */
        MOHR_REASON_EVIDENCE_REPORT,  /* the kept report is not what a check finds */
        MOHR_REASON_EVIDENCE_TIME,    /* received after the timestamp that has seen it */
        MOHR_REASON_EVIDENCE_PDF,     /* the PDF is not as mohr receipt wrote it */
        MOHR_REASON_TIMESTAMP,        /* a timestamp (RFC 3161) does not hold */
        MOHR_REASON_NOT_HOLDER,    /* of a document: neither a citizen's nor a staff certificate */
        MOHR_REASON_DOCUMENT_FORM, /* the detail says what of it */
        MOHR_REASON_DOCUMENT_CHANGED,
        MOHR_REASON_DOCUMENT_CERTIFICATE, /* signing-certificate-v2 or x5t#S256: missing, or another's */
        MOHR_REASON_DOCUMENT_ATTRIBUTES, /* the detail says which */
        MOHR_REASON_DOCUMENT_UNSIGNED,
        MOHR_REASON_DOCUMENT_EXTENDED, /* bytes after the last signature of a PDF */
        MOHR_REASON_DOCUMENT_COUNTER,  /* the signature that is countersigned does not hold */
        MOHR_REASON_COUNT
};

const char *mohr_reason_name(enum mohr_reason reason); /* "audience-mismatch": stable */
const char *mohr_reason_text(
        enum mohr_reason reason); /* a sentence in the language of the locale */

enum mohr_expired {
        MOHR_EXPIRED_REFUSE, /* a claim of an expired certificate is not told */
        MOHR_EXPIRED_REPORT, /* it is told, with certificate.expired true; the answer is 22 all the same */
        MOHR_EXPIRED_ACCEPT, /* it is told and the answer is 0, if all else holds: your policy says so */
};

/* Who remembers which answers came before. Asked last, about what holds otherwise: take() says 0 (new, and
 * remembered until then), over 0 (seen before) or, when it cannot tell, a negative errno, which mohr_verify()
 * returns. `key` is 64 hex digits: one holder's answer to one question of one audience. Both times are seconds
 * since the epoch: that of the check, and when the answer stops being valid anyway. */
struct mohr_replay {
        int (*take)(void *user, const char *key, int64_t now, int64_t until);
        void *user;
};

/* One in the memory of this process, for `cap` answers that are valid at the same time (1 to 16,777,216, some 64
 * bytes each) and any number of threads. It forgets none that is still valid: when full, take() is -ENOSPC; if
 * `now` went back behind what it had to forget, -ESTALE. */
int mohr_replay_memory_new(struct mohr_replay **ret, size_t cap);
struct mohr_replay *mohr_replay_memory_free(struct mohr_replay *replay);

/* All zero: nothing expected, now, 60 s of skew, refuse. */
struct mohr_verify_options {
        const char *audience; /* what the assertion must be for; NULL: reported as not checked */
        const char *nonce;    /* what was asked; NULL: reported as not checked */
        int64_t at;           /* seconds since the epoch at which all must hold; 0: now */
        int64_t asked_at; /* when you gave the nonce out; decides if the station's clock is not synchronised */
        int skew_s; /* tolerance for clocks, 0: 60, at most 600 */
        enum mohr_expired expired;
        const struct mohr_replay *replay; /* NULL: reported as not checked */
        enum mohr_revocation revocation;
        int64_t revocation_age_s; /* older evidence does not count; 0: as long as it says itself */
};

struct mohr_result;

/* 0 all holds; 21 something does not; 22 all holds but the certificate is expired. *ret is set for
 * all three. `assertion` is the compact JWS, exactly, without a line end. Negative: there is no verdict, because
 * something is broken or the memory of replays cannot tell. */
int mohr_verify(struct mohr_trust *trust, const char *assertion, size_t len,
        const struct mohr_verify_options *options, struct mohr_result **ret);
struct mohr_result *mohr_result_free(struct mohr_result *result);
enum mohr_reason mohr_result_reason(const struct mohr_result *result);
const char *mohr_result_detail(const struct mohr_result *result); /* name of the claim, or "" */
/* A text claim ("given_name", "sub", "aud", ...) or NULL. Identity is the certificate's. */
const char *mohr_result_claim(const struct mohr_result *result, const char *name);
/* Whose assertion it is, by the certificate. UNKNOWN while the answer tells no claims. */
enum mohr_holder {
        MOHR_HOLDER_UNKNOWN,
        MOHR_HOLDER_CITIZEN, /* of the national smart ID card */
        MOHR_HOLDER_STAFF, /* of a card of an organisation; has no card_number, no national_number */
};
enum mohr_holder mohr_result_holder(const struct mohr_result *result);
/* Everything as one JSON object: the claims, "certificate", "verification" (what was checked, what not).
 * Without claims when the answer tells none. To be freed; NULL when out of memory. */
char *mohr_result_json(const struct mohr_result *result);

/* The CRLs and OCSP responses that the answer rests on, in DER, borrowed from the result: NULL after the
 * last. What is kept with an assertion makes it checkable later. */
const unsigned char *mohr_result_proof(
        const struct mohr_result *result, size_t index, size_t *ret_len);

/* ---- Evidence ---- */

/* What an office keeps instead of a photocopy: a file that holds an assertion and all it takes to check it
 * again years later. docs/evidence.md is the format. */
#define MOHR_EVIDENCE_MAX (1024 * 1024)     /* bytes of a bundle */
#define MOHR_RECEIPT_MAX  (2 * 1024 * 1024) /* bytes of a PDF with one inside */

enum mohr_form { MOHR_FORM_ASSERTION, MOHR_FORM_BUNDLE, MOHR_FORM_RECEIPT /* a PDF */ };
/* What a file claims to be. */
enum mohr_form mohr_form_of(const void *data, size_t len);

/* mohr_verify(), and if its answer tells the claims, a bundle of what it rests on: JSON text, to be freed.
 * `at` is when the office received the assertion. *ret_bundle is NULL where the answer tells none.
 * -EFBIG: it would be larger than a bundle may be, by the CRL in it. */
int mohr_evidence_make(struct mohr_trust *trust, const char *assertion, size_t len,
        const struct mohr_verify_options *options, struct mohr_result **ret, char **ret_bundle);
/* Checks a bundle, or the one in a receipt: the assertion as of the time it was received, by what the bundle
 * holds and what `trust` knows of revocation; its report; its timestamps, if `authorities` (loaded by
 * mohr_trust_load(), a trust object of its own) is not NULL. `at` is the time at which the authority of
 * the newest timestamp must hold. Answers as mohr_verify()'s; the result's JSON has "evidence" besides. */
int mohr_evidence_verify(struct mohr_trust *trust, const void *file, size_t len,
        const struct mohr_verify_options *options, const struct mohr_trust *authorities,
        struct mohr_result **ret);
/* SHA-256 of these bytes in hex: what the QR code of a receipt holds. False: out of memory. */
bool mohr_evidence_digest(const void *bundle, size_t len, char ret[65]);

/* A TimeStampReq (RFC 3161) for the bundle as it is, to be freed: to be sent by POST as
 * application/timestamp-query. For a bundle that has a timestamp, the next one renews it. 21: no bundle. */
int mohr_evidence_timestamp_request(
        const char *bundle, size_t len, unsigned char **ret, size_t *ret_len);
/* The bundle with the timestamp that answers the request, judged as of `at` (0: now). 21: the response does
 * not hold, and `problem` says why, in English, for operators. */
int mohr_evidence_timestamp_add(const char *bundle, size_t len, const void *request,
        size_t request_len, const void *response, size_t response_len,
        const struct mohr_trust *authorities, int64_t at, char **ret, char *problem,
        size_t problem_cap);

/* A PDF with the bundle embedded as an incremental update. `pdf` is one that mohr-page wrote. 21: it has not
 * the form that this takes. */
int mohr_receipt_embed(const void *pdf, size_t pdf_len, const char *bundle, size_t len,
        unsigned char **ret, size_t *ret_len);
/* The bundle in such a PDF, borrowed. 21: there is none, or a byte of the file is not as it was written. */
int mohr_receipt_extract(const void *pdf, size_t pdf_len, const char **ret, size_t *ret_len);

/* ---- Checking signed documents ---- */

enum mohr_document_form {
        MOHR_DOCUMENT_NONE,
        MOHR_DOCUMENT_CMS,          /* a signature by itself (.p7s): CMS SignedData in DER */
        MOHR_DOCUMENT_CMS_ATTACHED, /* with the document inside (.p7m) */
        MOHR_DOCUMENT_JWS, /* JSON with the document inside: compact, or general for several signers */
};
/* What a file is, by its first 4096 bytes and its size. Of a JWS, by all of it (up to 64 MiB). */
enum mohr_document_form mohr_document_form_of(const void *start, size_t len, uint64_t size);

struct mohr_range {
        uint64_t offset, len;
};

struct mohr_document {
        enum mohr_document_form form;
        /* A file that can be read at any place: what was signed; of a form that has it inside, the whole thing. Its position
         * is not moved. It is read in pieces, whatever its size; but a JWS is held in memory. */
        int content;
        const struct mohr_range *ranges; /* of the file, in this order; NULL: all of it */
        size_t range_count;
        const void *signature; /* of MOHR_DOCUMENT_CMS; else NULL */
        size_t signature_len;
};

struct mohr_signed;

/* Every signature and countersignature: 0 all of them hold; 21 one does not; 22 all hold, but a certificate is expired. *ret is
 * set for all three. Chain, kinds of holder, expiry and revocation are judged as mohr_verify() does, as of options->at, or as of the
 * signature's timestamp where `authorities` (loaded by mohr_trust_load(), a trust object of its own; may be NULL) vouch for it.
 * audience, nonce, asked_at and replay have no meaning here and are not to be set. Negative: there is no verdict. */
int mohr_document_verify(struct mohr_trust *trust, const struct mohr_document *document,
        const struct mohr_verify_options *options, const struct mohr_trust *authorities,
        struct mohr_signed **ret);
struct mohr_signed *mohr_signed_free(struct mohr_signed *result);
/* Of the first that does not hold, or of the whole. */
enum mohr_reason mohr_signed_reason(const struct mohr_signed *result);
const char *mohr_signed_detail(const struct mohr_signed *result); /* a stable word, or "" */
size_t mohr_signed_count(const struct mohr_signed *result); /* signers, countersigners apart */
/* Everything as one JSON object: "document", "signatures" with each one's "signer" if the answer tells it, "certificate",
 * "countersignatures" and "verification", and the "verification" of the whole. To be freed; NULL when out of memory. */
char *mohr_signed_json(const struct mohr_signed *result);

/* Whether two names are the same but for how they were typed: Arabic and Persian letters of one sound and
 * shape, ZWNJ, tatweel, vowel marks, spaces, digits. For a clerk's list or a form; the verifier itself never
 * asks it, and "the same name" is never "the same person". */
bool mohr_names_match(const char *one, const char *other);

/* ---- Asking mohrd ---- */

struct mohr_client;

/* `socket` NULL: $MOHR_SOCKET, else $XDG_RUNTIME_DIR/mohr/mohr.sock. 20 if nobody listens there or the
 * listener belongs to another user. */
int mohr_client_connect(struct mohr_client **ret, const char *socket);
/* The same; with 20, `problem` holds an English line for operators: which socket was tried, and why
 * nobody was reached there. */
int mohr_client_connect_why(
        struct mohr_client **ret, const char *socket, char *problem, size_t problem_cap);
struct mohr_client *mohr_client_free(struct mohr_client *client);
/* Ends a call that is running, from a signal handler or another thread: mohrd closes its prompt. The call returns 20,
 * and the connection is of no more use, as after any call that broke off. A forked process cannot do that, nor
 * call: it connects for itself. */
void mohr_client_cancel(struct mohr_client *client);

/* The reply's parameters as JSON text, to be freed. */
int mohr_client_status(struct mohr_client *client, char **ret_json);
/* Calls back at once and at each change until it returns non-zero, which is then returned; the connection is of no more
 * use then. */
int mohr_client_watch(
        struct mohr_client *client, int (*changed)(void *user, const char *json), void *user);

/* What the card in a reader is and can do, as JSON text to be freed ("card", and "transcript" if asked for):
 * nobody is asked, no PIN is needed, nothing of its holder is told. `reader` NULL: the only one that
 * holds a card. Over 0: what an Assert would meet before it knew the card; if the card went or fell silent
 * in the middle, *ret_json is set all the same where there is a "transcript" until then, else untouched. */
int mohr_client_examine(
        struct mohr_client *client, const char *reader, bool transcript, char **ret_json);

/* What may ask without the page of consent, as JSON text to be freed: "grants". */
int mohr_client_grants(struct mohr_client *client, char **ret_json);
/* Takes one back, by its "grant". 2: there is none of this number. */
int mohr_client_revoke_grant(struct mohr_client *client, const char *grant);

struct mohr_station { /* what the station states; NULL where it states nothing */
        const char *operator_name, *branch, *device, *case_number;
        const char *photo_checked; /* "yes" or "no": whether a clerk compared face and photo */
};

struct mohr_ui { /* where to ask the holder, NULL where there is nothing */
        const char *tty, *term, *display, *wayland_display, *xauthority;
        const char *language; /* "fa" or "en" */
};

struct mohr_request {
        const char *audience, *nonce; /* required, but for a signed request */
        const char *purpose, *reader, *expect_national_number;
        int timeout_s; /* 0: the daemon's own */
        const struct mohr_station *station;
        const struct mohr_ui *ui;
        /* Of what is not in the certificate, by name (docs/assertion.md), each list ending with NULL: what the holder
         * can only agree to or refuse it all, and what can be declined. Both NULL: everything, and it can be declined. */
        const char *const *required, *const *optional;
        /* A relying party's own word for what it asks (docs/relying-parties.md), a compact JWS. It says audience, nonce,
         * purpose, claims and expected national number itself: all of them are NULL then. */
        const char *signed_request;
        bool remember; /* let the holder be asked to allow the same later without the page of consent; never without PIN */
};

/* The assertion, to be freed. 2 if a field is out of its bounds (mohr_client_detail() names it). `phase`, if not NULL, hears "reader", "choice", "search", "card", "consent", "pin", "pinpad" or "phone" (tell people to type the PIN there), "sign". */
int mohr_client_assert(struct mohr_client *client, const struct mohr_request *request,
        void (*phase)(void *user, const char *phase), void *user, char **ret_assertion);
/* About the last answer over 0: the request's id, an English line for operators ("" if none), and
 * the tries left (-1 unknown). */
const char *mohr_client_request_id(const struct mohr_client *client);
const char *mohr_client_detail(const struct mohr_client *client);
int mohr_client_tries_left(const struct mohr_client *client);

/* ---- Documents that the holder signs ---- */

/* A document belongs to the connection: added, it is described and copied by mohrd, and forgotten when it was signed, removed, or
 * when the connection ends. At most 64. docs/signing.md tells the forms. */
struct mohr_stamp { /* a visible stamp on a page of a PDF: page from 1; points of 1/72 inch from the lower left corner */
        int page, x, y, width, height;
};
struct mohr_to_sign {     /* NULL where nothing is said */
        const char *name; /* as the holder shall know it, at most 128 bytes; required */
        const char *form; /* "cms", "cms-attached", "pdf", "jws" or "countersignature"; required */
        const char *location;           /* of a PDF's signature */
        const struct mohr_stamp *stamp; /* of a PDF */
        /* "origin", "receipt", "delivery", "sender", "approval" or "creation" */
        const char *commitment;
        const char *policy, *policy_digest; /* dotted number; SHA-256 in hex: both or none */
        bool no_time;                       /* the time of signing is not stated */
        int signer;                         /* of a countersignature: whose, from 0 */
};
/* `from`: the document, a regular file open for reading. `to`: where the result goes, a regular file open for writing, empty and another
 * one. Both stay yours. *ret_json: what mohrd found, to be freed: "document" is its handle, "kind", "size", "digest", "pages", "signatures".
 * 29: mohr_client_text() has "why" besides. */
int mohr_client_add_document(struct mohr_client *client, const struct mohr_to_sign *document,
        int from, int to, char **ret_json);

struct mohr_signing {                 /* NULL where nothing is said */
        const char *const *documents; /* handles, in this order; ends with NULL, at most 64 */
        const char *purpose, *reader;
        int timeout_s; /* for each document; 0: the daemon's own */
        const struct mohr_ui *ui;
};
/* One consent for all of them, a PIN for each. `progress`, if not NULL, hears of each document the phases of mohr_client_assert(),
 * "reading", and "signed" when the result is in its file. With an answer over 0 the member "document" of mohr_client_text() is the one that
 * was not signed: what was signed before it stays so, and the rest can be given to this again. */
int mohr_client_sign_documents(struct mohr_client *client, const struct mohr_signing *signing,
        void (*progress)(void *user, const char *document, const char *phase), void *user);
int mohr_client_remove_document(struct mohr_client *client, const char *document);

/* ---- The same in an event loop ---- */

/* Each call above is one of these, and steps that never wait:
 *
 *      mohr_client_start_...()
 *      poll() for mohr_client_events() on mohr_client_fd(), with whatever else the loop waits for
 *      mohr_client_process(), again and again until it says WAIT, DONE or something other than 0
 *
 * Time limits are the loop's own. mohr_client_free() at any moment is the cancel: mohrd closes its prompt. */
enum mohr_step {
        MOHR_STEP_WAIT, /* nothing was there: go back to poll() */
        MOHR_STEP_MORE, /* mohr_client_text() tells a phase, or of a watch the readers; more is to come */
        MOHR_STEP_DONE, /* the call has ended well; mohr_client_text() tells what it was made for */
};

/* The same all its life; only to be waited for. */
int mohr_client_fd(const struct mohr_client *client);
/* POLLIN, and POLLOUT while there is something to send. */
short mohr_client_events(const struct mohr_client *client);
/* 0: *ret_step says what happened. Over 0: the call has ended with this answer, as the one that blocks would have.
 * -EINVAL: no call is running. */
int mohr_client_process(struct mohr_client *client, enum mohr_step *ret_step);
/* Of the last step: a phase, an assertion, JSON; NULL where there is nothing to tell. Borrowed until the next step. */
const char *mohr_client_text(const struct mohr_client *client);

/* 0, or as the call that blocks where nothing was sent; -EBUSY: the last call has not ended. */
int mohr_client_start_status(struct mohr_client *client);
int mohr_client_start_watch(struct mohr_client *client);
int mohr_client_start_examine(struct mohr_client *client, const char *reader, bool transcript);
int mohr_client_start_grants(struct mohr_client *client);
int mohr_client_start_revoke_grant(struct mohr_client *client, const char *grant);
int mohr_client_start_assert(struct mohr_client *client, const struct mohr_request *request);
int mohr_client_start_add_document(
        struct mohr_client *client, const struct mohr_to_sign *document, int from, int to);
int mohr_client_start_sign_documents(
        struct mohr_client *client, const struct mohr_signing *signing);
int mohr_client_start_remove_document(struct mohr_client *client, const char *document);

/* ---- Words for people ---- */

/* What a function that returns an int answers with, if it is no negative errno; the numbers are the exit codes of
 * mohr(1), and for ever. New ones may be added: treat one that you do not know as MOHR_OUTCOME_INTERNAL. */
enum mohr_outcome {
        MOHR_OUTCOME_OK = 0,
        MOHR_OUTCOME_USAGE = 2, /* what was asked is out of its bounds */
        MOHR_OUTCOME_NO_READER = 10,
        MOHR_OUTCOME_NO_CARD = 11,
        MOHR_OUTCOME_CARD_NOT_SUPPORTED = 12,
        MOHR_OUTCOME_WRONG_PIN = 13, /* one try was spent */
        MOHR_OUTCOME_PIN_BLOCKED = 14,
        MOHR_OUTCOME_REFUSED = 15, /* the holder said no: respect it */
        MOHR_OUTCOME_POLICY = 16,  /* the rules of this computer did */
        MOHR_OUTCOME_CARD_REMOVED = 17,
        MOHR_OUTCOME_NEEDS_ISSUER_KEYS = 18,
        MOHR_OUTCOME_TIMED_OUT = 19,
        MOHR_OUTCOME_UNREACHABLE = 20, /* no mohrd, or it hung up, or the call was cancelled */
        MOHR_OUTCOME_INVALID = 21,     /* what was checked does not hold */
        MOHR_OUTCOME_CERTIFICATE_EXPIRED = 22, /* everything else holds */
        MOHR_OUTCOME_BUSY = 23,
        MOHR_OUTCOME_LAST_TRY_DECLINED = 24,
        MOHR_OUTCOME_READER_SERVICE = 25,
        MOHR_OUTCOME_NOBODY_TO_ASK = 26,
        MOHR_OUTCOME_CANNOT_RECORD = 27,
        MOHR_OUTCOME_NO_STANDARD_SIGNATURE = 28,
        MOHR_OUTCOME_DOCUMENT = 29,        /* this document cannot be signed so */
        MOHR_OUTCOME_NOT_TIMESTAMPED = 30, /* of mohr(1): signed, but without the timestamp */
        MOHR_OUTCOME_INTERNAL = 70,
};

/* In UTF-8 and in the language of the thread's locale; where that is "C", as in a program that never called
 * setlocale(), in the one that LANGUAGE, LC_ALL, LC_MESSAGES or LANG name. */
const char *mohr_outcome_name(int outcome); /* "WrongPin": stable */
const char *mohr_outcome_text(int outcome); /* what happened */
const char *mohr_outcome_next(int outcome); /* what to do now */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
