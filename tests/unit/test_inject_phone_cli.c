/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_phone_cli.c: `mohr phone` while memory and system calls fail: a pairing is kept or it is not and that is said, a picture is
 * whole or none, no socket stays open.
 */
#include "client-sdk/cli/phone.h"
#include "client-sdk/cli/phone_qr.h"
#include "client-sdk/page/qr.h"
#include "tests/support/inject.h"
#include "tests/unit/link_world.h"

#include <dirent.h>
#include <fcntl.h>

#define OWN INJECT(INJECT_MEMORY | INJECT_SYSTEM)

static const struct paired_end words = { .which = "phones",
        .none = "none",
        .unknown = "%s",
        .question = "%s",
        .forgotten = "%s",
        .same = "%s %s" };

static size_t descriptors(void)
{
        size_t count = 0;
        DIR *dir = opendir("/proc/self/fd");
        while (dir && readdir(dir))
                count++;
        closedir(dir);
        return count;
}

static void a_new_one_is_kept_under_its_own_name_or_not(void **state)
{
        struct link_world *w = *state;
        const struct cli cli = { .command = "phone" };
        static const char id[] = "ffffffffffffffff";
        for (struct inject in = OWN; inject_next(&in);) {
                struct link_peer fresh = w->computer, read = { 0 };
                snprintf(fresh.id, sizeof fresh.id, "%s", id);
                inject_arm(&in);
                int r = paired_keep(&cli, &words, w->phones, &fresh);
                inject_disarm(&in);
                int there = link_store_get(w->phones, id, &read);
                EXPECT(in, r == 0 || in.failed);
                EXPECT(in, r != 0 || (there == 0 && strcmp(read.key, w->computer.key) == 0));
                EXPECT(in, r != 0 || in.failed || strcmp(read.name, "Pixel 2") == 0);
                link_peer_clear(&read);
                (void)!link_store_remove(w->phones, id);
        }
}

static void one_is_found_or_that_is_said(void **state)
{
        struct link_world *w = *state;
        const struct cli cli = { .command = "phone" };
        size_t before = descriptors();
        for (struct inject in = OWN; inject_next(&in);) {
                struct link_peer found = { 0 };
                inject_arm(&in);
                int r = paired_find(&cli, &words, w->phones, "Pixel", &found);
                inject_disarm(&in);
                EXPECT(in, r == 0 || in.failed);
                EXPECT(in, (r == 0) == (found.key != NULL));
                link_peer_clear(&found);
        }
        assert_int_equal(descriptors(), before);
}

/* What commands print goes nowhere meanwhile. */
static int hush(void)
{
        int out = dup(STDOUT_FILENO);
        fflush(stdout);
        assert_true(out >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0);
        return out;
}

static void speak(int out)
{
        fflush(stdout);
        assert_true(dup2(out, STDOUT_FILENO) >= 0);
        close(out);
}

static void commands_end_with_a_word(void **state)
{
        struct link_world *w = *state;
        char json[] = "--json", yes[] = "--yes", list[] = "list", forget[] = "forget",
             id[] = WORLD_ID;
        char *lists[] = { list, json, NULL }, *forgets[] = { forget, yes, json, id, NULL };
        setenv("XDG_DATA_HOME", w->dir, 1);
        for (struct inject in = OWN; inject_next(&in);) {
                struct cli cli = { .command = "phone" };
                optind = 1;
                int out = hush();
                inject_arm(&in);
                int r = paired_command_list(&cli, 2, lists, &words);
                inject_disarm(&in);
                speak(out);
                EXPECT(in, r >= 0 && (r == 0 || in.failed));
        }
        for (struct inject in = OWN; inject_next(&in);) {
                struct cli cli = { .command = "phone" };
                struct link_peer left = { 0 };
                assert_int_equal(link_store_put(w->phones, &w->computer), 0);
                optind = 1;
                int out = hush();
                inject_arm(&in);
                int r = paired_command_forget(&cli, 4, forgets, &words);
                inject_disarm(&in);
                speak(out);
                EXPECT(in, r >= 0 && (r == 0 || in.failed));
                EXPECT(in, r != 0 || link_store_get(w->phones, WORLD_ID, &left) == -ENOENT);
                link_peer_clear(&left);
        }
}

static void a_picture_is_whole_or_none(void **state)
{
        static struct qr qr;
        (void)state;
        assert_int_equal(qr_make(&qr, "mohr-pair:", QR_SCREEN), 0);
        for (struct inject in = OWN; inject_next(&in);) {
                uint8_t *png = NULL, *svg = NULL;
                size_t png_len = 0, svg_len = 0;
                inject_arm(&in);
                int p = phone_qr_png(&qr, &png, &png_len), s = phone_qr_svg(&qr, &svg, &svg_len);
                inject_disarm(&in);
                EXPECT(in, (p == 0) == (png != NULL) && (s == 0) == (svg != NULL));
                EXPECT(in, in.failed || (p == 0 && s == 0 && png_len > 0 && svg_len > 0));
                free(png);
                free(svg);
        }
}

static void no_socket_stays_open(void **state)
{
        const struct phone_wish wish = { .address = "127.0.0.1" };
        const struct cli cli = { .command = "phone" };
        const struct link_place nobody = { "127.0.0.1", "1" };
        size_t before = descriptors();
        (void)state;
        for (struct inject in = OWN; inject_next(&in);) {
                struct phone_listen listen = { .fd_count = 0 };
                struct meeting meeting = { .signals = -1 };
                const char *why = "";
                int fd = -1, called = 1;
                inject_arm(&in);
                int r = phone_listen(&wish, &listen);
                if (meeting_open(&meeting, &cli, 60, false) == 0)
                        called = dial(&meeting, &nobody, false, &fd, &why);
                inject_disarm(&in);
                EXPECT(in, (r == 0) == (listen.fd_count == 1));
                EXPECT(in, called != 0 && fd == -1);
                EXPECT(in, r == 0 || in.failed);
                phone_listen_close(&listen);
                meeting_close(&meeting);
        }
        assert_int_equal(descriptors(), before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                IN_A_WORLD(a_new_one_is_kept_under_its_own_name_or_not),
                IN_A_WORLD(one_is_found_or_that_is_said),
                IN_A_WORLD(commands_end_with_a_word),
                cmocka_unit_test(a_picture_is_whole_or_none),
                cmocka_unit_test(no_socket_stays_open),
        };
        inject_init();
        /* What is said to people is not looked at here, and there is much of it. */
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (quiet < 0 || dup2(quiet, STDERR_FILENO) < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
