/* SPDX-License-Identifier: Apache-2.0 */
/* test_nfc_board.c: board.h by itself, over the real libnfc, with a board that another process plays
 * (tests/support/pn532.h): how much goes through one exchange, and that a card is only ever what it was
 * activated as. What goes wrong on the line, tests/system/nfc.py knows.
 */
#include "drivers/nfc/board.h"
#include "drivers/softcard/softcard.h"
#include "tests/support/pn532.h"
#include "tests/unit/softcard_talk.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

struct world {
        char dir[32], pki[64], link[64], connstring[128];
        pid_t player;
        struct board *board;
};

static void play(const struct world *world)
{
        static const struct softcard_hooks none = { 0 };
        char pki[80];
        const char *bad = NULL;
        struct softcard *card = NULL;
        snprintf(pki, sizeof pki, "pki=%s", world->pki);
        const char *options[] = { "profile=mav2-cl", pki, NULL };
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int r = softcard_new(&card, options, NULL, &bad);
        if (r == 0)
                r = pn532_serve(card, world->link, "", 0, -1, &none, NULL);
        _exit(r == 0 ? 0 : 1);
}

static int begin(void **state)
{
        struct world *world = calloc(1, sizeof *world);
        assert_non_null(world);
        memcpy(world->dir, "/tmp/mohr-board-XXXXXX", 23);
        assert_non_null(mkdtemp(world->dir));
        snprintf(world->pki, sizeof world->pki, "%s/pki", world->dir);
        snprintf(world->link, sizeof world->link, "%s/board", world->dir);
        snprintf(world->connstring, sizeof world->connstring, "pn532_uart:%s:115200", world->link);
        assert_int_equal(mkdir(world->pki, 0700), 0);
        assert_int_equal(pki_fill(world->pki), 0);
        world->player = fork();
        if (world->player == 0)
                play(world);
        for (int i = 0; i < 6000 && access(world->link, F_OK) < 0; i++)
                nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        *state = world;
        return board_open(&world->board, world->connstring);
}

static int end(void **state)
{
        struct world *world = *state;
        board_close(world->board);
        kill(world->player, SIGKILL);
        waitpid(world->player, NULL, 0);
        (void)unlink(world->link);
        pid_t child = fork();
        if (child == 0) {
                execlp("rm", "rm", "-rf", world->dir, (char *)NULL);
                _exit(1);
        }
        waitpid(child, NULL, 0);
        free(world);
        return 0;
}

/* The answer's length; its last word in *ret_sw. */
static size_t say(struct board *board, const char *hex, uint16_t *ret_sw)
{
        uint8_t cmd[BOARD_COMMAND_MAX], rsp[4098];
        size_t len = 0;
        ssize_t cmd_len = hex_decode(cmd, sizeof cmd, hex);
        assert_true(cmd_len > 0);
        assert_int_equal(board_exchange(board, cmd, (size_t)cmd_len, rsp, sizeof rsp, &len), 0);
        assert_true(len >= 2);
        *ret_sw = (uint16_t)(rsp[len - 2] << 8 | rsp[len - 1]);
        return len;
}

/* As the driver does: libnfc's patience with a board is less than what a busy machine's plays it with, and then nothing was found. */
static void activate(struct board *board)
{
        struct board_card card;
        int r = OUTCOME_NO_CARD;
        for (int look = 0; look < 50 && r == OUTCOME_NO_CARD; look++)
                r = board_activate(board, &card);
        assert_int_equal(r, 0);
        assert_int_equal(card.atr_len, CONTACTLESS_ATR_MAX);
}

static void any_short_command_fits(void **state)
{
        struct world *world = *state;
        uint8_t cmd[BOARD_COMMAND_MAX + 1] = { 0x00, 0xA4, 0x04, 0x00, 0xFF }, rsp[258];
        size_t len = 0;
        activate(world->board);
        assert_int_equal(board_exchange(world->board, cmd, 261, rsp, sizeof rsp, &len), 0);
        assert_int_equal(len, 2);
        assert_int_equal(
                board_exchange(world->board, cmd, sizeof cmd, rsp, sizeof rsp, &len), -EMSGSIZE);
        assert_int_equal(board_still(world->board), 0);
}

static void any_short_answer_fits(void **state)
{
        static const char *const way[] = { "00A4040C0CA0000000180C000001634200", "00A4000C023F00",
                "00A4000C025100", "00A4020C025040" };
        struct world *world = *state;
        uint16_t sw;
        activate(world->board);
        for (size_t i = 0; i < ARRAY_LEN(way); i++) {
                (void)say(world->board, way[i], &sw);
                assert_int_equal(sw, 0x9000);
        }
        assert_int_equal(say(world->board, "00B0000000", &sw), 258);
        assert_int_equal(sw, 0x9000);
}

static void without_power_there_is_no_card(void **state)
{
        struct world *world = *state;
        uint8_t cmd[] = { 0x00, 0xB0, 0x00, 0x00, 0x00 }, rsp[258];
        size_t len = 0;
        struct board_glimpse seen;
        activate(world->board);
        assert_int_equal(board_dark(world->board), 0);
        assert_int_equal(board_still(world->board), OUTCOME_NO_CARD);
        assert_int_equal(board_exchange(world->board, cmd, sizeof cmd, rsp, sizeof rsp, &len),
                OUTCOME_CARD_REMOVED);
        assert_int_equal(board_glimpse(world->board, &seen), 0);
        assert_true(seen.present);
        assert_int_equal(seen.uid_len, 4);
}

static void a_board_is_opened_once(void **state)
{
        struct world *world = *state;
        struct board *second = NULL;
        assert_int_equal(board_open(&second, world->connstring), OUTCOME_BUSY);
        assert_int_equal(board_open(&second, "acr122_usb:001:002"), -EINVAL);
        assert_null(second);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(any_short_command_fits),
                cmocka_unit_test(any_short_answer_fits),
                cmocka_unit_test(without_power_there_is_no_card),
                cmocka_unit_test(a_board_is_opened_once),
        };
        return cmocka_run_group_tests(tests, begin, end);
}
