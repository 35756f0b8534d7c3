/* SPDX-License-Identifier: Apache-2.0 */
/* announced.c: see announced.h. Form first, then whose word it is: a list of refusals, each with the sentence that says which.
 *
 * The signed words are compared as they would be shown, cleaned and cut by the same function (base/text.h): what differs in
 * nothing that anybody sees is no other word.
 */
#include "daemon/relay/announced.h"

#include "base/outcome.h"
#include "base/text.h"
#include "daemon/prompt/question.h"
#include "daemon/relying.h"
#include "drivers/ops.h"

#include <stdio.h>

struct announced {
        struct question question;
        char signed_request[RELYING_REQUEST_MAX + 1]; /* "": none came */
};

/* ---- form ---------------------------------------------------------------------------------- */

/* A prompt on this machine could be told these; another machine has no say in them. */
static bool steers(const struct question *question)
{
        const char *const texts[] = { question->tty, question->term, question->display,
                question->language, question->pinentry, question->computer };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                if (*texts[i])
                        return true;
        return false;
}

static bool asks_for_more(const struct question *question)
{
        return question->pinpad || question->on_phone || question->recorded || question->granted ||
               question->may_remember || question->choice || question->search ||
               question->optional != 0 || question->not_proven_here;
}

/* With a computer's name it must be a question that a phone can ask: question.h bounds that once for all. */
static int adopt(struct announced *announced, const char *computer)
{
        uint8_t frame[QUESTION_FRAME_MAX];
        size_t len = 0;
        struct question *question = &announced->question;
        text_sanitize(question->computer, sizeof question->computer, computer, SIZE_MAX);
        if (!*question->computer)
                memcpy(question->computer, "?", sizeof "?");
        return question_encode(question, frame, sizeof frame, &len) == 0 ? 0 : -EBADMSG;
}

static int read_frame(struct announced *announced, struct view payload, const char *computer)
{
        struct op_announce came;
        if (op_get_announce(payload, &came) < 0)
                return -EBADMSG;
        int r = question_decode(came.question.data, came.question.len, &announced->question);
        if (r < 0 || steers(&announced->question) || asks_for_more(&announced->question))
                return -EBADMSG;
        const struct view *jws = &came.signed_request;
        if (jws->len > RELYING_REQUEST_MAX ||
                (jws->len > 0 && memchr(jws->data, '\0', jws->len) != NULL))
                return -EBADMSG;
        if (jws->len > 0)
                memcpy(announced->signed_request, jws->data, jws->len);
        return adopt(announced, computer);
}

/* ---- whose word ---------------------------------------------------------------------------- */

static bool shown_same(const char *shown, size_t cap, const char *signed_text)
{
        char clean[sizeof((struct question *)NULL)->audience];
        text_sanitize(clean, base_min(cap, sizeof clean), signed_text ? signed_text : "", SIZE_MAX);
        return strcmp(shown, clean) == 0;
}

/* No number in a question: it is a card that names nobody's (a staff card). */
static bool is_expected(const struct question *question, const char *number)
{
        return !number || strcmp(question->card_number, number) == 0;
}

static int compare(const struct question *question, const struct relying_request *is_signed,
        const char **ret_detail)
{
#define SAME(shown, text) shown_same(question->shown, sizeof question->shown, text)
        const struct {
                bool good;
                const char *detail;
        } rows[] = {
                { SAME(organization, is_signed->organization),
                        "the computer names another organisation than the one that signed" },
                { SAME(audience, is_signed->audience),
                        "the computer names another audience than the organisation signed" },
                { SAME(purpose, is_signed->purpose),
                        "the computer names another purpose than the organisation signed" },
                { (question->required & ~(is_signed->required | is_signed->optional)) == 0,
                        "the computer would give away more than the organisation asked for" },
                { is_expected(question, is_signed->expect_national_number),
                        "the computer names another holder than the organisation asked for" },
        };
#undef SAME
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (!rows[i].good) {
                        *ret_detail = rows[i].detail;
                        return OUTCOME_POLICY;
                }
        return 0;
}

static int prove(
        const struct announced *announced, const struct announced_by *by, const char **ret_detail)
{
        struct relying_request is_signed = { 0 };
        int r = relying_check(
                by->relying, announced->signed_request, by->now, &is_signed, ret_detail);
        if (r == 0)
                r = compare(&announced->question, &is_signed, ret_detail);
        relying_request_clear(&is_signed);
        return r;
}

static int judge(
        struct announced *announced, const struct announced_by *by, const char **ret_detail)
{
        struct question *question = &announced->question;
        bool came = announced->signed_request[0] != '\0';
        if (!came && !*question->organization)
                return 0;
        if (!came || !*question->organization || question->work != WORK_SIGN) {
                *ret_detail = "the computer names an organisation without its signed request, or "
                              "brings one that is not for this";
                return OUTCOME_POLICY;
        }
        question->not_proven_here = !by->relying || !relying_knows_any(by->relying);
        return question->not_proven_here ? 0 : prove(announced, by, ret_detail);
}

/* ---- what comes of it ---------------------------------------------------------------------- */

int announced_take(struct announced **ret, struct view payload, const struct announced_by *by,
        const char **ret_detail)
{
        struct announced *announced = calloc(1, sizeof *announced);
        if (!announced)
                return -ENOMEM;
        int r = read_frame(announced, payload, by->computer);
        if (r == 0)
                r = judge(announced, by, ret_detail);
        if (r == 0)
                *ret = announced;
        else
                announced_free(announced);
        return r;
}

struct announced *announced_free(struct announced *announced)
{
        free(announced);
        return NULL;
}

static const char *or_null(const char *text)
{
        return *text ? text : NULL;
}

static enum person_work work_of(const struct question *question)
{
        static const enum person_work works[WORKS] = { [WORK_SIGN] = PERSON_SIGN,
                [WORK_DOCUMENTS] = PERSON_DOCUMENTS,
                [WORK_KEY] = PERSON_KEY };
        return works[question->work];
}

/* Not that the card is a simulated one: who believes that types a PIN with less care, and this phone knows its own readers. */
struct person_question announced_question(const struct announced *announced)
{
        const struct question *question = &announced->question;
        return (struct person_question){
                .request = question->request,
                .app = question->app,
                .asker = (uint8_t)question->asker,
                .asker_name = question->asker_name,
                .organization = or_null(question->organization),
                .audience = question->audience,
                .purpose = or_null(question->purpose),
                .given_name = question->given_name,
                .family_name = question->family_name,
                .card_number = question->card_number,
                .reader = question->reader,
                .tries_left = question->tries_left,
                .tell_unproven = question->tell_unproven,
                .expired = question->expired,
                .staff = question->staff,
                .required = question->required,
                .work = work_of(question),
                .documents = question->documents,
                .document_count = question->document_count,
                .content = (uint8_t)question->content,
                .content_text = question->content_text,
                .content_host = question->content_host,
                .authentication_key = question->authentication_key,
                .computer = question->computer,
                .not_proven_here = question->not_proven_here,
                .timeout_s = question->timeout_s,
        };
}

void announced_line(const struct announced *announced, char *dst, size_t cap)
{
        const struct question *question = &announced->question;
        const char *name = *question->organization ? question->organization
                           : *question->asker_name ? question->asker_name
                                                   : question->app;
        const char *object =
                question->document_count > 0 ? question->documents[0].name : question->audience;
        char who[sizeof question->app], what[sizeof question->audience];
        text_sanitize(who, sizeof who, *name ? name : "?", SIZE_MAX);
        text_sanitize(what, sizeof what, object, SIZE_MAX);
        snprintf(dst, cap, "%s: %s%s%s", question->computer, who, *what ? ", " : "", what);
}
