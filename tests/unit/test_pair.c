/* SPDX-License-Identifier: Apache-2.0 */
/* test_pair.c: two devices become a pair by secret and by code, and only the two that people hold in their hands: a
 * stranger in the middle speaks real TLS to both sides and ends with the right reason.
 */
#include "client-sdk/link/internal.h"
#include "client-sdk/link/pair_talk.h"
#include "tests/unit/link_world.h"
#include "tests/unit/worn_out.h"

#include <netinet/in.h>

static const uint8_t secret[PAIR_SECRET] = "sixteen secrets";
static const uint8_t other_secret[PAIR_SECRET] = "sixteen guesses";

/* ---- two sides and their turns ---- */

struct two {
        struct pairing *computer, *phone;
        enum pair_state at_computer, at_phone;
};

struct keys {
        struct link_peer computer, phone, stranger; /* only key and certificate */
        uint8_t print[LINK_PRINT];                  /* of the computer's */
};

static struct pair_side side_of(const struct link_peer *own, const char *name, uint16_t port)
{
        return (struct pair_side){
                .name = name, .port = port, .key = own->key, .certificate = own->certificate
        };
}

static struct pair_side computer_side(const struct keys *keys, const uint8_t *with)
{
        struct pair_side side = side_of(&keys->computer, "office", 0);
        side.secret = with;
        return side;
}

static struct pair_side phone_side(const struct keys *keys, const uint8_t *with)
{
        struct pair_side side = side_of(&keys->phone, "Pixel", LINK_PORT);
        side.secret = with;
        side.print = with ? keys->print : NULL;
        return side;
}

static struct two meet_over(
        int fds[2], const struct pair_side *computer, const struct pair_side *phone)
{
        struct two two = { 0 };
        assert_int_equal(pair_listen(&two.computer, fds[0], computer), 0);
        assert_int_equal(pair_connect(&two.phone, fds[1], phone), 0);
        return two;
}

static struct two meet(const struct pair_side *computer, const struct pair_side *phone)
{
        int fds[2];
        socket_pair(fds);
        return meet_over(fds, computer, phone);
}

static bool ended(enum pair_state state)
{
        return state == PAIR_DONE || state == PAIR_FAILED;
}

static void turns(struct two *two)
{
        for (int turn = 0; turn < 64; turn++) {
                if (two->computer && !ended(two->at_computer))
                        two->at_computer = pair_step(two->computer);
                if (two->phone && !ended(two->at_phone))
                        two->at_phone = pair_step(two->phone);
        }
}

static void part_ways(struct two *two)
{
        two->computer = pair_free(two->computer);
        two->phone = pair_free(two->phone);
}

static void expect_failures(struct two *two, enum pair_failure computer, enum pair_failure phone)
{
        struct link_peer peer = { 0 };
        turns(two);
        assert_int_equal(two->at_computer, PAIR_FAILED);
        assert_int_equal(two->at_phone, PAIR_FAILED);
        assert_int_equal(pair_failure(two->computer), computer);
        assert_int_equal(pair_failure(two->phone), phone);
        assert_int_equal(pair_take(two->computer, &peer), -EINVAL);
        assert_int_equal(pair_take(two->phone, &peer), -EINVAL);
        part_ways(two);
}

/* What both keep makes a link. */
static void expect_pair(struct two *two)
{
        struct link_peer computer = { 0 }, phone = { 0 };
        char dir[] = "/tmp/mohr-pair-XXXXXX", command[64];
        assert_int_equal(two->at_computer, PAIR_DONE);
        assert_int_equal(two->at_phone, PAIR_DONE);
        assert_int_equal(pair_take(two->computer, &computer), 0);
        assert_int_equal(pair_take(two->phone, &phone), 0);
        assert_string_equal(computer.id, phone.id);
        assert_int_equal(strlen(computer.id), LINK_ID_LEN);
        assert_string_equal(computer.name, "Pixel");
        assert_string_equal(phone.name, "office");
        assert_string_equal(phone.address, "");
        assert_true(computer.expires_at > computer.paired_at && computer.paired_at > 1700000000);
        assert_non_null(mkdtemp(dir));
        assert_int_equal(link_store_put(dir, &phone), 0);
        struct shaken s = shake_hands(dir, &computer);
        assert_int_equal(s.at_phone, 0);
        assert_int_equal(s.at_computer, 0);
        hang_up(&s);
        snprintf(command, sizeof command, "rm -rf %s", dir);
        assert_int_equal(system(command), 0);
        link_peer_clear(&computer);
        link_peer_clear(&phone);
        part_ways(two);
}

/* ---- the good ways ---- */

static void a_secret_makes_a_pair_without_a_question(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, secret), phone = phone_side(keys, secret);
        struct two two = meet(&computer, &phone);
        assert_false(pair_spent(two.computer));
        turns(&two);
        assert_true(pair_spent(two.computer));
        expect_pair(&two);
}

static void equal_codes_and_two_yeses_make_a_pair(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, NULL), phone = phone_side(keys, NULL);
        for (int phone_first = 0; phone_first < 2; phone_first++) {
                struct two two = meet(&computer, &phone);
                turns(&two);
                assert_int_equal(two.at_computer, PAIR_COMPARE);
                assert_int_equal(two.at_phone, PAIR_COMPARE);
                assert_int_equal(strlen(pair_code(two.phone)), PAIR_CODE_LEN);
                assert_int_equal(strspn(pair_code(two.phone), "0123456789"), PAIR_CODE_LEN);
                assert_string_equal(pair_code(two.phone), pair_code(two.computer));
                pair_answer(phone_first ? two.phone : two.computer, true);
                turns(&two);
                assert_int_equal(two.at_phone, phone_first ? PAIR_WORKING : PAIR_COMPARE);
                assert_int_equal(two.at_computer, phone_first ? PAIR_COMPARE : PAIR_WORKING);
                pair_answer(phone_first ? two.computer : two.phone, true);
                turns(&two);
                expect_pair(&two);
        }
}

static void the_phone_is_found_where_it_listens(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, secret), phone = phone_side(keys, secret);
        struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        socklen_t len = sizeof at;
        struct link_peer peer = { 0 };
        int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[2];
        fds[1] = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) < 0)
                skip();
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
        assert_int_equal(connect(fds[1], (struct sockaddr *)&at, len), 0);
        fds[0] = accept(listener, NULL, NULL);
        close(listener);
        struct two two = meet_over(fds, &computer, &phone);
        for (int turn = 0; turn < 1000 && !(ended(two.at_computer) && ended(two.at_phone));
                turn++) {
                struct pollfd poller = { pair_link(two.computer) ? fds[0] : -1, POLLIN, 0 };
                turns(&two);
                poll(&poller, 1, 10);
        }
        assert_int_equal(pair_take(two.computer, &peer), 0);
        assert_string_equal(peer.address, "[::1]:46647");
        link_peer_clear(&peer);
        part_ways(&two);
}

/* ---- people who say no, and lines that break ---- */

static void one_no_is_enough(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, NULL), phone = phone_side(keys, NULL);
        for (int at_phone = 0; at_phone < 2; at_phone++)
                for (int other_said_yes = 0; other_said_yes < 2; other_said_yes++) {
                        struct two two = meet(&computer, &phone);
                        turns(&two);
                        if (other_said_yes)
                                pair_answer(at_phone ? two.computer : two.phone, true);
                        turns(&two);
                        pair_answer(at_phone ? two.phone : two.computer, false);
                        pair_answer(at_phone ? two.phone : two.computer, true);
                        expect_failures(&two, at_phone ? PAIR_REFUSED_THERE : PAIR_REFUSED_HERE,
                                at_phone ? PAIR_REFUSED_HERE : PAIR_REFUSED_THERE);
                }
}

static void it_can_be_given_up_before_it_began(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, NULL), phone = phone_side(keys, NULL);
        struct two two = meet(&computer, &phone);
        pair_answer(two.phone, true); /* nobody has seen a code */
        assert_int_equal(pair_step(two.phone), PAIR_WORKING);
        pair_answer(two.phone, false);
        assert_int_equal(pair_step(two.phone), PAIR_FAILED);
        assert_int_equal(pair_failure(two.phone), PAIR_REFUSED_HERE);
        two.phone = pair_free(two.phone);
        turns(&two);
        assert_int_equal(pair_failure(two.computer), PAIR_BROKE);
        part_ways(&two);
}

/* Whichever message is the last to come through, the phone never keeps what the computer does not. */
static void a_line_that_breaks_leaves_no_phone_alone(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, secret), phone = phone_side(keys, secret);
        bool both = false, half = false;
        for (int steps = 1; !both; steps++) {
                struct two two = meet(&computer, &phone);
                for (int i = 0; i < steps; i++) {
                        if (i % 2 && !ended(two.at_phone))
                                two.at_phone = pair_step(two.phone);
                        else if (!(i % 2) && !ended(two.at_computer))
                                two.at_computer = pair_step(two.computer);
                }
                bool phone_has = two.at_phone == PAIR_DONE;
                bool computer_has = two.at_computer == PAIR_DONE;
                assert_true(computer_has || !phone_has);
                both = phone_has;
                half = half || (computer_has && !phone_has);
                if (!computer_has) {
                        two.phone = pair_free(two.phone);
                        turns(&two);
                        assert_int_equal(pair_failure(two.computer), PAIR_BROKE);
                }
                part_ways(&two);
                assert_true(steps < 32);
        }
        assert_true(half);
}

/* The computer is not done before its last word has left. */
static void the_last_word_is_waited_for(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, NULL), phone = phone_side(keys, NULL);
        struct two two = meet(&computer, &phone);
        static uint8_t junk[4096];
        turns(&two);
        pair_answer(two.phone, true);
        turns(&two);
        int from = link_fd(pair_link(two.computer)), to = link_fd(pair_link(two.phone));
        while (send(from, junk, sizeof junk, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                ;
        pair_answer(two.computer, true);
        assert_int_equal(pair_step(two.computer), PAIR_WORKING);
        assert_int_equal(link_wants(pair_link(two.computer)), POLLIN | POLLOUT);
        while (recv(to, junk, sizeof junk, MSG_DONTWAIT) > 0)
                ;
        assert_int_equal(pair_step(two.computer), PAIR_DONE);
        part_ways(&two);
}

/* ---- a stranger in the middle ---- */

static void another_certificate_than_the_codes_is_not_spoken_to(void **state)
{
        const struct keys *keys = *state;
        struct pair_side stranger = side_of(&keys->stranger, "office", 0);
        struct pair_side phone = phone_side(keys, secret);
        stranger.secret = secret; /* even one who has read the QR code */
        struct two two = meet(&stranger, &phone);
        expect_failures(&two, PAIR_WRONG_CERTIFICATE, PAIR_WRONG_CERTIFICATE);
}

/* A device without a battery for its clock begins in 1970, and all that it makes is over. */
static void a_wrong_clock_is_told_as_that(void **state)
{
        const struct keys *keys = *state;
        for (int by_code = 0; by_code < 2; by_code++) {
                struct link_peer old = { 0 };
                assert_int_equal(
                        link_identity_make(&old.key, &old.certificate, &old.expires_at), 0);
                wear_out(&old);
                struct pair_side computer = computer_side(keys, by_code ? NULL : secret);
                struct pair_side phone = side_of(&old, "Pixel", 46647);
                phone.secret = by_code ? NULL : secret;
                phone.print = by_code ? NULL : keys->print;
                struct two two = meet(&computer, &phone);
                expect_failures(&two, PAIR_CLOCKS, PAIR_CLOCKS);
                link_peer_clear(&old);
        }
}

static void a_guessed_secret_is_void_at_once(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, secret);
        struct pair_side stranger = phone_side(keys, other_secret);
        struct two two = meet(&computer, &stranger);
        turns(&two);
        assert_true(pair_spent(two.computer));
        expect_failures(&two, PAIR_WRONG_SECRET, PAIR_WRONG_SECRET);
}

/* He speaks to each as the other one, with numbers of his own: people see two codes. */
static void a_stranger_with_numbers_of_his_own_shows_two_codes(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, NULL), phone = phone_side(keys, NULL);
        struct pair_side as_phone = side_of(&keys->stranger, "Pixel", LINK_PORT);
        struct pair_side as_computer = side_of(&keys->stranger, "office", 0);
        struct two left = meet(&computer, &as_phone), right = meet(&as_computer, &phone);
        turns(&left);
        turns(&right);
        assert_int_equal(left.at_computer, PAIR_COMPARE);
        assert_int_equal(right.at_phone, PAIR_COMPARE);
        assert_string_equal(pair_code(left.computer), pair_code(left.phone));
        assert_string_not_equal(pair_code(left.computer), pair_code(right.phone));
        part_ways(&left);
        part_ways(&right);
}

/* TLS to both sides, and what is said is passed on as it is, or as `change` wants it. */
struct middle {
        struct pairing *computer, *phone; /* the honest ones */
        struct link *to_computer, *to_phone;
        struct secret *buf;
        void (*change)(struct secret *body, enum link_type type, bool from_phone);
        enum link_type last; /* of those that were passed on */
};

static struct link *stranger_link(int fd, const struct link_peer *own, bool listens)
{
        const struct link_setting setting = { .listens = listens,
                .trust = LINK_TRUST_NOBODY,
                .key = own->key,
                .certificate = own->certificate };
        struct link *link = NULL;
        assert_int_equal(link_new(&link, fd, &setting), 0);
        return link;
}

static void pass_on(struct middle *middle, struct link *from, struct link *to)
{
        enum link_type type = 0;
        if (link_handshake(from) != 0 || link_handshake(to) != 0)
                return;
        secret_wipe(middle->buf);
        while (link_recv(from, &type, middle->buf) == 0) {
                if (middle->change)
                        middle->change(middle->buf, type, from == middle->to_phone);
                middle->last = type;
                (void)!link_send(to, type, middle->buf->data, middle->buf->len);
        }
}

static void expect_middle(const struct keys *keys, const struct pair_side *computer,
        const struct pair_side *phone,
        void (*change)(struct secret *body, enum link_type type, bool from_phone),
        enum pair_failure at_computer, enum pair_failure at_phone)
{
        struct middle middle = { .change = change };
        struct two two = { 0 };
        int left[2], right[2];
        socket_pair(left);
        socket_pair(right);
        assert_int_equal(secret_new(&middle.buf, LINK_FRAME_MAX), 0);
        assert_int_equal(pair_listen(&two.computer, left[0], computer), 0);
        assert_int_equal(pair_connect(&two.phone, right[0], phone), 0);
        middle.to_computer = stranger_link(left[1], &keys->stranger, false);
        middle.to_phone = stranger_link(right[1], &keys->stranger, true);
        for (int turn = 0; turn < 32; turn++) {
                turns(&two);
                pass_on(&middle, middle.to_phone, middle.to_computer);
                pass_on(&middle, middle.to_computer, middle.to_phone);
        }
        assert_int_not_equal(middle.last, PAIR_KEPT);
        expect_failures(&two, at_computer, at_phone);
        link_free(middle.to_computer);
        link_free(middle.to_phone);
        secret_free(middle.buf);
}

static void passing_everything_on_proves_nothing(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, secret), phone = phone_side(keys, secret);
        phone.print = NULL;
        struct pairing *none = NULL;
        int fds[2];
        socket_pair(fds);
        assert_int_equal(
                pair_connect(&none, fds[0], &phone), -EINVAL); /* a secret goes with a print */
        close(fds[1]);
        uint8_t strangers[LINK_PRINT];
        assert_int_equal(link_identity_print(keys->stranger.certificate, strangers), 0);
        phone.print = strangers; /* a phone that was shown the wrong code in part */
        expect_middle(keys, &computer, &phone, NULL, PAIR_WRONG_SECRET, PAIR_WRONG_SECRET);
        computer = computer_side(keys, NULL);
        phone = phone_side(keys, NULL);
        expect_middle(keys, &computer, &phone, NULL, PAIR_WRONG_COMMITMENT, PAIR_WRONG_COMMITMENT);
}

static void swap_commitment(struct secret *body, enum link_type type, bool from_phone)
{
        (void)from_phone;
        if ((enum pair_type)type == PAIR_COMMITMENT || (enum pair_type)type == PAIR_NUMBER)
                body->data[body->len - 1] ^= 1;
}

static void rename_phone(struct secret *body, enum link_type type, bool from_phone)
{
        if ((enum pair_type)type == PAIR_HELLO && from_phone)
                body->data[body->len - 1] ^= 1;
}

static void what_is_changed_on_the_way_is_noticed(void **state)
{
        const struct keys *keys = *state;
        struct pair_side computer = computer_side(keys, NULL), phone = phone_side(keys, NULL);
        expect_middle(keys, &computer, &phone, swap_commitment, PAIR_WRONG_COMMITMENT,
                PAIR_WRONG_COMMITMENT);
        expect_middle(keys, &computer, &phone, rename_phone, PAIR_WRONG_COMMITMENT,
                PAIR_WRONG_COMMITMENT);
}

/* ---- words out of place: without TLS, which has no part in it ---- */

#define SAID_MAX 8

struct said {
        enum pair_type type;
        uint8_t body[PAIR_BODY_MAX];
        size_t len;
};

struct talker {
        struct pair_talk talk;
        struct said said[SAID_MAX];
        size_t count, heard; /* of what it said: what the other one has taken */
};

static int note(void *user, enum pair_type type, const void *body, size_t len)
{
        struct talker *talker = user;
        assert_true(talker->count < SAID_MAX && len <= PAIR_BODY_MAX);
        struct said *said = &talker->said[talker->count++];
        said->type = type;
        said->len = len;
        if (len > 0)
                memcpy(said->body, body, len);
        return 0;
}

static const struct pair_proven proven = { { 1 }, { 2 }, { 3 } };

static struct talker *talker_new(bool phone, const uint8_t *with)
{
        struct talker *talker = calloc(1, sizeof *talker);
        const struct pair_side side = {
                .name = phone ? "Pixel" : "office", .port = phone ? LINK_PORT : 0, .secret = with
        };
        assert_int_equal(pair_talk_prepare(&talker->talk, phone, &side), 0);
        talker->talk.send = note;
        talker->talk.user = talker;
        pair_talk_begin(&talker->talk, &proven);
        return talker;
}

static void tell(struct talker *to, const struct said *said)
{
        pair_talk_take(&to->talk, (uint8_t)said->type, (struct view){ said->body, said->len });
}

/* Until one side is at this stage. */
static void talk_until(struct talker *a, struct talker *b, enum pair_stage stage)
{
        while (a->talk.stage != stage && b->talk.stage != stage) {
                if (a->heard == a->count && b->heard == b->count)
                        fail_msg("nobody comes to stage %d", stage);
                if (a->heard < a->count)
                        tell(b, &a->said[a->heard++]);
                else
                        tell(a, &b->said[b->heard++]);
        }
}

/* Rows of what is good; everything else at that stage must end it. */
static const struct {
        bool phone, by_code;
        enum pair_stage stage;
        enum pair_type good;
        size_t len;
} stages[] = {
        { false, false, PAIR_AT_HELLO, PAIR_HELLO, 11 },
        { true, false, PAIR_AT_REPLY, PAIR_REPLY, 10 },
        { false, false, PAIR_AT_PROOF, PAIR_PROOF, 32 },
        { true, false, PAIR_AT_PROOF, PAIR_PROOF, 32 },
        { false, false, PAIR_AT_YES, PAIR_YES, 0 },
        { true, false, PAIR_AT_KEPT, PAIR_KEPT, 0 },
        { true, true, PAIR_AT_COMMITMENT, PAIR_COMMITMENT, 32 },
        { false, true, PAIR_AT_NUMBER, PAIR_NUMBER, 32 },
        { true, true, PAIR_AT_NUMBER, PAIR_NUMBER, 32 },
        { false, true, PAIR_AT_PERSON, PAIR_YES, 0 },
        { true, true, PAIR_AT_PERSON, PAIR_NO, 1 },
};

static struct talker *brought_to(size_t row)
{
        const uint8_t *with = stages[row].by_code ? NULL : secret;
        struct talker *phone = talker_new(true, with), *computer = talker_new(false, with);
        struct talker *it = stages[row].phone ? phone : computer;
        while (it->talk.stage != stages[row].stage) {
                struct talker *other = it == phone ? computer : phone;
                if (other->heard < other->count)
                        tell(it, &other->said[other->heard++]);
                else if (it->heard < it->count)
                        tell(other, &it->said[it->heard++]);
                else
                        fail_msg("row %zu is never reached", row);
        }
        free(it == phone ? computer : phone);
        return it;
}

static void words_out_of_place_end_it(void **state)
{
        (void)state;
        for (size_t row = 0; row < ARRAY_LEN(stages); row++)
                for (int type = 0; type <= UINT8_MAX; type++)
                        for (size_t len = 0; len <= 33; len++) {
                                if ((type > LINK_PAIR_LAST || type < LINK_PAIR_FIRST) && len > 0)
                                        continue;
                                if ((enum pair_type)type == PAIR_NO ||
                                        ((enum pair_type)type == stages[row].good &&
                                                len == stages[row].len))
                                        continue;
                                struct talker *it = brought_to(row);
                                const struct said wrong = { (enum pair_type)type,
                                        { 1, 1, 255, 255, 255, 255 }, len };
                                tell(it, &wrong);
                                assert_int_equal(it->talk.stage, PAIR_AT_END);
                                assert_int_not_equal(it->talk.failure, PAIR_NO_FAILURE);
                                assert_int_equal(it->said[it->count - 1].type, PAIR_NO);
                                size_t count = it->count;
                                tell(it,
                                        &(struct said){ stages[row].good, { 0 }, stages[row].len });
                                assert_int_not_equal(it->talk.failure, PAIR_NO_FAILURE);
                                assert_int_equal(it->count, count);
                                free(it);
                        }
}

static void every_reason_has_its_word(void **state)
{
        static const enum pair_failure heard[] = { PAIR_PROTOCOL, PAIR_PROTOCOL, PAIR_WRONG_SECRET,
                PAIR_WRONG_COMMITMENT, PAIR_REFUSED_THERE, PAIR_OTHER_VERSION, PAIR_OTHER_WAY,
                PAIR_PROTOCOL };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(heard); i++) {
                struct talker *it = talker_new(true, secret);
                tell(it, &(struct said){ PAIR_NO, { (uint8_t)i }, 1 });
                assert_int_equal(it->talk.stage, PAIR_AT_END);
                assert_int_equal(it->talk.failure, heard[i]);
                assert_int_equal(it->count, 1); /* nothing was said to that */
                free(it);
        }
}

static void a_proof_that_comes_back_is_none(void **state)
{
        (void)state;
        struct talker *phone = talker_new(true, secret), *computer = talker_new(false, secret);
        talk_until(phone, computer, PAIR_AT_PROOF);
        tell(phone, &computer->said[0]);
        assert_int_equal(phone->said[1].type, PAIR_PROOF);
        tell(phone, &phone->said[1]); /* his own */
        assert_int_equal(phone->talk.failure, PAIR_WRONG_SECRET);
        free(phone);
        free(computer);
}

/* All that was said once, said again on a connection with another exporter. */
static void what_was_heard_once_is_of_no_use_again(void **state)
{
        (void)state;
        struct talker *phone = talker_new(true, secret), *computer = talker_new(false, secret);
        talk_until(phone, computer, PAIR_AT_KEPT);
        struct talker *again = talker_new(false, secret);
        again->talk.proven.exporter[31] ^= 1;
        tell(again, &phone->said[0]);
        tell(again, &phone->said[1]);
        assert_int_equal(again->talk.failure, PAIR_WRONG_SECRET);
        assert_true(again->talk.spent);
        free(phone);
        free(computer);
        free(again);
}

/* Each part of the transcript counts. */
static void codes_are_of_one_connection_only(void **state)
{
        (void)state;
        struct talker *talker = talker_new(false, NULL);
        struct pair_talk *talk = &talker->talk;
        uint8_t *const parts[] = { talk->proven.exporter, talk->proven.phone, talk->proven.computer,
                talk->hello };
        uint8_t reply[] = { 1, 2, 0, 1, 'x' }, number[PAIR_HASH] = { 0 }, first[PAIR_HASH];
        char code[PAIR_CODE_LEN + 1], id[LINK_ID_LEN + 1];
        talk->hello_len = 11;
        assert_int_equal(pair_make_transcript(talk, (struct view){ reply, sizeof reply }), 0);
        assert_int_equal(pair_make_code(talk, number, number), 0);
        memcpy(first, talk->transcript, sizeof first);
        memcpy(code, talk->code, sizeof code);
        memcpy(id, talk->id, sizeof id);
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
                parts[i][5] ^= 1;
                assert_int_equal(
                        pair_make_transcript(talk, (struct view){ reply, sizeof reply }), 0);
                assert_int_equal(pair_make_code(talk, number, number), 0);
                assert_memory_not_equal(talk->transcript, first, sizeof first);
                assert_string_not_equal(talk->code, code);
                assert_string_not_equal(talk->id, id);
                parts[i][5] ^= 1;
        }
        free(talker);
}

static void versions_and_ways_must_be_the_same(void **state)
{
        const struct keys *keys = *state;
        (void)keys;
        const struct said newer = { PAIR_HELLO, { 2, 9, 9 }, 3 };
        struct talker *computer = talker_new(false, secret);
        tell(computer, &newer);
        assert_int_equal(computer->talk.failure, PAIR_OTHER_VERSION);
        free(computer);
        struct pair_side by_secret = computer_side(keys, secret), by_code = phone_side(keys, NULL);
        struct two two = meet(&by_secret, &by_code);
        turns(&two);
        assert_false(pair_spent(two.computer));
        expect_failures(&two, PAIR_OTHER_WAY, PAIR_OTHER_WAY);
}

/* What anybody can compute: docs/phone.md has these bytes as its example. */
static void expect_hex(const uint8_t bytes[static PAIR_HASH], const char *expected)
{
        char hex[2 * PAIR_HASH + 1];
        hex_encode(hex, bytes, PAIR_HASH);
        assert_string_equal(hex, expected);
}

static void the_bytes_are_those_of_the_page(void **state)
{
        (void)state;
        static const uint8_t reply[] = { 1, 1, 0, 6, 'o', 'f', 'f', 'i', 'c', 'e' };
        struct talker *talker = talker_new(true, secret);
        struct pair_talk *talk = &talker->talk;
        uint8_t made[PAIR_HASH], computers[PAIR_HASH], phones[PAIR_HASH];
        memset(talk->proven.exporter, 0x11, PAIR_HASH);
        memset(talk->proven.phone, 0x22, LINK_PRINT);
        memset(talk->proven.computer, 0x33, LINK_PRINT);
        memset(talk->secret, 0x44, PAIR_SECRET);
        memset(computers, 0x55, PAIR_HASH);
        memset(phones, 0x66, PAIR_HASH);
        assert_int_equal(pair_make_transcript(talk, (struct view){ reply, sizeof reply }), 0);
        expect_hex(talk->transcript,
                "3d619851efb9341369b3089f28141fc19c31dd01be17b29641c4c9d421f9a29b");
        assert_string_equal(talk->id, "f008da586297de83");
        assert_int_equal(pair_make_proof(talk, true, made), 0);
        expect_hex(made, "10dee52d21d3ef210890cd664dcb59f6f00082f0a3ca8c207338b1509bcbb820");
        assert_int_equal(pair_make_proof(talk, false, made), 0);
        expect_hex(made, "8fa8723c828160fbdc4e1fe535c8126b0f464101e256c2ed1090c378ce9cda0a");
        assert_int_equal(pair_make_commitment(talk, computers, made), 0);
        expect_hex(made, "5cec0d9cc862aa739590bfc0fce99e3b3d5c96618a713be8e9ce8d6a01606e1f");
        assert_int_equal(pair_make_code(talk, computers, phones), 0);
        assert_string_equal(talk->code, "331848");
        free(talker);
}

/* ---- */

static int set_up(void **state)
{
        struct keys *keys = calloc(1, sizeof *keys);
        struct link_peer *const all[] = { &keys->computer, &keys->phone, &keys->stranger };
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
                assert_int_equal(
                        link_identity_make(&all[i]->key, &all[i]->certificate, &all[i]->expires_at),
                        0);
        assert_int_equal(link_identity_print(keys->computer.certificate, keys->print), 0);
        *state = keys;
        return 0;
}

static int tear_down(void **state)
{
        struct keys *keys = *state;
        link_peer_clear(&keys->computer);
        link_peer_clear(&keys->phone);
        link_peer_clear(&keys->stranger);
        free(keys);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_secret_makes_a_pair_without_a_question),
                cmocka_unit_test(equal_codes_and_two_yeses_make_a_pair),
                cmocka_unit_test(the_phone_is_found_where_it_listens),
                cmocka_unit_test(one_no_is_enough),
                cmocka_unit_test(it_can_be_given_up_before_it_began),
                cmocka_unit_test(a_line_that_breaks_leaves_no_phone_alone),
                cmocka_unit_test(the_last_word_is_waited_for),
                cmocka_unit_test(another_certificate_than_the_codes_is_not_spoken_to),
                cmocka_unit_test(a_wrong_clock_is_told_as_that),
                cmocka_unit_test(a_guessed_secret_is_void_at_once),
                cmocka_unit_test(a_stranger_with_numbers_of_his_own_shows_two_codes),
                cmocka_unit_test(passing_everything_on_proves_nothing),
                cmocka_unit_test(what_is_changed_on_the_way_is_noticed),
                cmocka_unit_test(words_out_of_place_end_it),
                cmocka_unit_test(every_reason_has_its_word),
                cmocka_unit_test(a_proof_that_comes_back_is_none),
                cmocka_unit_test(what_was_heard_once_is_of_no_use_again),
                cmocka_unit_test(codes_are_of_one_connection_only),
                cmocka_unit_test(versions_and_ways_must_be_the_same),
                cmocka_unit_test(the_bytes_are_those_of_the_page),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
