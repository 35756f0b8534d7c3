/* SPDX-License-Identifier: Apache-2.0 */
/* guest_world.c: what a visit needs of the world, for one connection: the reader in which the card lies, the prompt of this
 * phone, and a calm line for the person at each step that concerns them. No name of a holder and no digit is in any line.
 *
 * One question is on the screen at a time; a second computer hears that this phone is busy.
 */
#include "daemon/relay/host.h"

#include "daemon/person.h"

#include <time.h>

static int send(void *user, enum link_type type, const void *body, size_t len)
{
        return guest_send(user, type, body, len);
}

static int take(void *user)
{
        struct guest *guest = user;
        const char *detail = NULL;
        int r = readers_acquire(
                guest->host->readers, guest->host->options.reader, &guest->reader, &detail);
        if (r > 0)
                log_kv(&guest->host->log, LOG_LEVEL_INFO, NULL, "no reader for a computer",
                        "outcome", outcome_name(r), "detail", detail, NULL);
        return r;
}

static void give(void *user)
{
        struct guest *guest = user;
        guest->reader = reader_release(guest->reader);
}

static bool holds(void *user)
{
        struct guest *guest = user;
        return guest->reader && reader_in_transaction(guest->reader);
}

static int pass(void *user, enum op op, bool ahead, const void *payload, size_t len,
        reader_done done, void *done_user)
{
        struct guest *guest = user;
        return reader_pass(guest->reader, op, ahead, payload, len, done, done_user);
}

static int judge(void *user, struct view payload, struct announced **ret)
{
        struct guest *guest = user;
        const struct announced_by by = { guest->name, guest->host->relying, time(NULL) };
        const char *detail = NULL;
        int r = announced_take(ret, payload, &by, &detail);
        if (r != 0)
                log_kv(&guest->host->log, LOG_LEVEL_WARNING, NULL, "announcement refused", "detail",
                        detail, NULL);
        return r;
}

/* ---- the prompt ------------------------------------------------------------------------------ */

static void on_answer(void *user, const struct person_answer *answer)
{
        struct guest *guest = user;
        int outcome = answer->outcome;
        visit_answered answered = guest->answered;
        guest->person = person_free(guest->person);
        guest->host->asking = NULL;
        guest->typed = outcome == 0 && !guest_is_near(guest);
        guest->sure = false;
        if (guest->typed) /* no try is put at stake for a computer that may be gone */
                guest_doubt(guest);
        else
                answered(guest->visit, outcome);
}

static struct person_ui ui_of(const struct host *host)
{
        const struct mohr_ui *ui = &host->ui;
        return (struct person_ui){ ui->tty, ui->term, ui->display, ui->wayland_display,
                ui->xauthority, ui->language };
}

static int ask(void *user, const struct visit_question *question, visit_answered answered,
        struct visit *visit _unused_)
{
        struct guest *guest = user;
        struct host *host = guest->host;
        struct person_question asked = announced_question(question->announced);
        struct reader_info info;
        if (host->asking)
                return OUTCOME_BUSY;
        reader_describe(guest->reader, &info);
        asked.ui = ui_of(host);
        asked.pinentry = host->config->pinentry;
        asked.reader = info.name;
        asked.simulated |= info.simulated;
        asked.tries_left = question->tries_left;
        asked.timeout_s = question->timeout_s;
        guest->answered = answered;
        int r = person_ask(
                &guest->person, host->event, host->config, &asked, question->pin, on_answer, guest);
        if (r == 0)
                host->asking = guest;
        return r;
}

static void hush(void *user)
{
        struct guest *guest = user;
        guest->person = person_free(guest->person);
        guest->typed = false;
        if (guest->host->asking == guest)
                guest->host->asking = NULL;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void say_tries(const struct guest *guest, const char *computer, int tries)
{
        char line[CLI_LINE_MAX];
        if (tries < 0)
                host_say(guest->host, _("%s: the PIN was wrong."), computer);
        else
                host_say(guest->host, "%s: %s %s", computer, _("The PIN was wrong."),
                        cli_tries(guest->host->cli, line, tries));
}

static void tell(void *user, enum visit_news news, const struct announced *what, int tries)
{
        static const char *const words[] = {
                [VISIT_SIGNED] = N_("%s: signed."),
                [VISIT_NOT_SENT] = N_("%s: ended; no PIN went to the card."),
                [VISIT_AT_RISK] =
                        N_("%s: ended while the card was checking the PIN; a try may have "
                           "been spent."),
                [VISIT_UNSIGNED] = N_("%s: the PIN was right, but nothing was signed."),
                [VISIT_LAST_TRY] =
                        N_("%s: one try is left, and is not spent where this device has nothing "
                           "to ask about it on ([relay] last_try)."),
                [VISIT_FORBIDDEN] =
                        N_("%s asked for what no computer may have, and was sent away. If "
                           "you do not know why, forget it: mohr-relay forget"),
        };
        struct guest *guest = user;
        char text[CLI_TEXT_MAX], line[512], shown[CLI_TEXT_MAX];
        const char *computer = cli_text(guest->host->cli, text, guest->name);
        if (news == VISIT_ASKS && !isatty(STDOUT_FILENO)) { /* no log says for whom and what for */
                host_say(guest->host, _("%s asks to have something signed."), computer);
        } else if (news == VISIT_ASKS) {
                announced_line(what, line, sizeof line);
                host_say(guest->host, "%s", cli_text(guest->host->cli, shown, line));
        } else if (news == VISIT_WRONG_PIN) {
                say_tries(guest, computer, tries);
        } else {
                host_say(guest->host, _(words[news]), computer);
        }
}

static void over(void *user, enum link_reason reason)
{
        guest_farewell(user, reason);
}

static const char *reader(void *user)
{
        struct guest *guest = user;
        struct reader_info info;
        reader_describe(guest->reader, &info);
        return info.name;
}

static bool lends_last_try(void *user)
{
        const struct guest *guest = user;
        return guest->host->config->relay.last_try;
}

static int sending(void *user, bool sent)
{
        return guest_tell_sending(user, sent);
}

const struct visit_world *guest_world(bool asks)
{
        static const struct visit_world worlds[] = {
                { send, take, give, holds, pass, NULL, hush, judge, tell, over, reader,
                        lends_last_try, sending },
                { send, take, give, holds, pass, ask, hush, judge, tell, over, reader,
                        lends_last_try, sending },
        };
        return &worlds[asks];
}
