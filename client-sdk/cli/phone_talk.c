/* SPDX-License-Identifier: Apache-2.0 */
/* phone_talk.c: a paired phone called for a moment, to see whether it is there or to renew its pairing (client-sdk/link/link.h). No
 * operation of a card is among what is said here.
 */
#include "client-sdk/cli/phone.h"

#include "base/bytes.h"
#include "base/clock.h"

#define UNASKED_MAX 32 /* frames that may come before the one that is waited for */

static int fail(struct phone_talk *talk, int outcome, const char *why)
{
        snprintf(talk->why, sizeof talk->why, "%s", why);
        return outcome;
}

static int broke(struct phone_talk *talk, int r)
{
        if (r == -EACCES && talk->link && link_expired(talk->link))
                return fail(talk, OUTCOME_CERTIFICATE_EXPIRED,
                        _("a certificate of this pairing is over: pair the two anew"));
        if (r == -EACCES)
                return fail(talk, OUTCOME_POLICY,
                        _("what answers there is not the paired phone, or has forgotten this "
                          "computer"));
        return fail(talk, OUTCOME_UNREACHABLE, strerror(-r));
}

static int said_bye(struct phone_talk *talk)
{
        static const char *const reasons[LINK_REASONS] = {
                [LINK_REASON_VERSION] = N_("the phone has a Mohr that is too old or too new"),
                [LINK_REASON_UNPAIRED] = N_("the phone has forgotten this computer"),
                [LINK_REASON_TOO_MANY] = N_("too many computers use this phone at the moment"),
        };
        struct in in = in_new(talk->buf->data, talk->buf->len);
        uint8_t reason = in_u8(&in);
        const char *text = in_done(&in) == 0 && reason < LINK_REASONS ? reasons[reason] : NULL;
        return fail(talk, OUTCOME_UNREACHABLE, text ? _(text) : _("the phone hung up"));
}

/* What meeting_wait() says of the person and the time, in words. */
static int waited(struct phone_talk *talk, int r)
{
        if (r == OUTCOME_TIMED_OUT)
                return fail(talk, r, _("nothing came in time"));
        return r == OUTCOME_REFUSED ? fail(talk, r, _("broken off")) : broke(talk, r);
}

/* Until the link has moved. */
static int wait_link(const struct meeting *meeting, struct phone_talk *talk)
{
        struct pollfd ready = { .fd = link_fd(talk->link), .events = link_wants(talk->link) };
        int r = link_pending(talk->link) ? 0 : meeting_wait(meeting, &ready, 1, INT64_MAX);
        return r == 0 ? 0 : waited(talk, r);
}

static int shake_hands(const struct meeting *meeting, struct phone_talk *talk)
{
        for (;;) {
                int r = link_handshake(talk->link);
                if (r == 0)
                        return 0;
                r = r == -EAGAIN ? wait_link(meeting, talk) : broke(talk, r);
                if (r != 0)
                        return r;
        }
}

int phone_hear(const struct meeting *meeting, struct phone_talk *talk, enum link_type type)
{
        for (int unasked = 0;;) {
                enum link_type got;
                int r = link_recv(talk->link, &got, talk->buf);
                if (r == 0 && got == type)
                        return 0;
                if (r == 0 && got == LINK_BYE)
                        return said_bye(talk);
                if (r == 0 && got == LINK_PING && unasked++ < UNASKED_MAX)
                        r = link_send(talk->link, LINK_PONG, talk->buf->data, talk->buf->len);
                else if (r == 0 && (got != LINK_STATUS || unasked++ >= UNASKED_MAX))
                        return fail(
                                talk, OUTCOME_POLICY, _("the phone does not answer as it should"));
                if (r == -EAGAIN)
                        r = wait_link(meeting, talk);
                else if (r < 0)
                        r = broke(talk, r);
                if (r != 0)
                        return r;
        }
}

static int greet(const struct meeting *meeting, struct phone_talk *talk, enum link_role role)
{
        char own[LINK_NAME_MAX];
        uint8_t bytes[LINK_NAME_MAX + 8];
        struct out out = out_new(bytes, sizeof bytes);
        int64_t before = clock_ms();
        meeting_name(own, NULL);
        out_u8(&out, LINK_VERSION);
        out_u8(&out, (uint8_t)role);
        out_text16(&out, own);
        int r = out_done(&out);
        if (r == 0)
                r = link_send(talk->link, LINK_HELLO, bytes, out.len);
        r = r < 0 ? broke(talk, r) : phone_hear(meeting, talk, LINK_WELCOME);
        if (r != 0)
                return r;
        struct in in = in_new(talk->buf->data, talk->buf->len);
        uint8_t version = in_u8(&in);
        in_text16(&in, talk->name, sizeof talk->name); /* what follows is for the reader's helper */
        talk->ms = (int)(clock_ms() - before);
        if (in.error || version != LINK_VERSION)
                return fail(talk, OUTCOME_POLICY, _("the phone does not answer as it should"));
        return 0;
}

static int reach(const struct meeting *meeting, const struct link_peer *peer, bool anywhere,
        struct phone_talk *talk, int *ret_fd)
{
        struct link_place address;
        const char *why = "";
        if (!peer->address[0] ||
                link_place_read(peer->address, strlen(peer->address), LINK_PORT, &address) < 0)
                return fail(talk, OUTCOME_UNREACHABLE,
                        _("its address is not known: mohr phone add-address"));
        int r = dial(meeting, &address, anywhere, ret_fd, &why);
        if (r == OUTCOME_UNREACHABLE)
                return fail(talk, r, why);
        if (r == OUTCOME_POLICY)
                return fail(talk, r, _("its address belongs to no local network"));
        return r == 0 ? 0 : waited(talk, r);
}

int phone_talk(const struct meeting *meeting, const struct link_peer *peer, enum link_role role,
        bool anywhere, struct phone_talk *ret)
{
        int fd = -1, r = secret_new(&ret->buf, LINK_FRAME_MAX);
        if (r < 0)
                return broke(ret, r);
        r = reach(meeting, peer, anywhere, ret, &fd);
        if (r != 0)
                return r;
        r = link_connect(&ret->link, fd, peer);
        if (r < 0)
                return broke(ret, r);
        r = shake_hands(meeting, ret);
        return r == 0 ? greet(meeting, ret, role) : r;
}

void phone_talk_end(const struct meeting *meeting, struct phone_talk *talk, bool orderly)
{
        const uint8_t reason = LINK_REASON_CLOSING;
        if (talk->link && orderly && link_send(talk->link, LINK_BYE, &reason, sizeof reason) == 0)
                while (link_flush(talk->link) == -EAGAIN && wait_link(meeting, talk) == 0)
                        continue;
        talk->link = link_free(talk->link);
        talk->buf = secret_free(talk->buf);
}
