/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_history_frame.c: both frames between mohrd and the history's worker. What decodes must encode to the same bytes;
 * and a worker takes whatever decodes and answers it, with a book in memory's file system where there is one.
 */
#include "daemon/history/clerk.h"
#include "tests/fuzz/require.h"

#include <fcntl.h>
#include <stdio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct clerk *clerk;
static char dir[64];
static int home, room; /* a clerk works in its folder, a fuzzer in its own */
static int64_t now = 1795348800;

static void remove_room(void)
{
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s", dir);
        require(system(command) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        static const struct rows_setting setting = { .values = true, .keep_days = 1 };
        (void)argc, (void)argv;
        snprintf(dir, sizeof dir, "%s/mohr-fuzz-XXXXXX",
                access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        require(mkdtemp(dir) && atexit(remove_room) == 0);
        home = open(".", O_PATH | O_CLOEXEC);
        room = open(dir, O_PATH | O_CLOEXEC);
        require(home >= 0 && room >= 0 && clerk_new(&clerk, dir, &setting, NULL) == 0);
        return 0;
}

static void check_reply(const struct history_reply *reply)
{
        static uint8_t bytes[HISTORY_FRAME_MAX];
        static struct history_reply again;
        size_t len = 0;
        require(history_reply_encode(reply, bytes, sizeof bytes, &len) == 0);
        require(history_reply_decode(bytes, len, &again) == 0);
        require(again.outcome == reply->outcome && strcmp(again.list, reply->list) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static uint8_t again[HISTORY_FRAME_MAX];
        static struct history_frame frame;
        static struct history_reply reply;
        size_t again_len = 0;
        if (history_reply_decode(data, len, &reply) == 0) {
                require(history_reply_encode(&reply, again, sizeof again, &again_len) == 0);
                require(again_len == len && memcmp(again, data, len) == 0);
        }
        if (history_frame_decode(data, len, &frame) < 0)
                return 0;
        require(history_frame_encode(&frame, again, sizeof again, &again_len) == 0);
        require(again_len == len && memcmp(again, data, len) == 0);
        require(fchdir(room) == 0 && clerk_answer(clerk, data, len, now, &reply) == 0);
        require(reply.id == frame.id);
        check_reply(&reply);
        clerk_tidy(clerk, now += 1000);
        return fchdir(home);
}
