/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_watch.c: any messages of udev, as lines: ACTION, then KEY=value lines, and an empty line. What the
 * watchers make of them is a list whose names are valid, harmless, all different and as they were.
 */
#include "base/text.h"
#include "drivers/watch/boards.h"
#include "drivers/watch/bus.h"
#include "tests/fuzz/require.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct message {
        char *lines[32];
        size_t count;
};

static const char *property(void *device, const char *key)
{
        const struct message *message = device;
        size_t len = strlen(key);
        for (size_t i = 0; i < message->count; i++)
                if (strncmp(message->lines[i], key, len) == 0 && message->lines[i][len] == '=')
                        return message->lines[i] + len + 1;
        return NULL;
}

/* Takes the next message off `*rest`. */
static bool next(char **rest, struct message *ret)
{
        ret->count = 0;
        for (char *line; (line = strsep(rest, "\n")) && *line;)
                if (ret->count < ARRAY_LEN(ret->lines))
                        ret->lines[ret->count++] = line;
        return ret->count > 0;
}

static void judge(const struct driver_reader *list, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                char clean[2 * sizeof list[i].name];
                require(list[i].name[0] && memchr(list[i].name, 0, sizeof list[i].name));
                require(list[i].address[0] && memchr(list[i].address, 0, sizeof list[i].address));
                text_sanitize(clean, sizeof clean, list[i].name, sizeof clean);
                require(strcmp(clean, list[i].name) == 0);
                for (size_t j = 0; j < i; j++)
                        require(strcmp(list[i].name, list[j].name) != 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        char *text = strndup((const char *)data, len), *rest = text;
        const char *const options[] = { "device=pn532_uart:/dev/ttyUSB0", NULL };
        struct boards boards = { 0 };
        struct bus *buses[2];
        struct driver_reader list[DRIVER_READERS_MAX];
        struct message message;
        require(text && boards_read(&boards, options) == 0 && bus_new(&buses[0], TABLE_USB) == 0 &&
                bus_new(&buses[1], TABLE_NFC) == 0);
        while (rest && next(&rest, &message)) {
                const char *path = property(&message, "DEVPATH");
                bool there = strcmp(message.lines[0], "ACTION=remove") != 0;
                struct facts facts;
                facts_read(&facts, property, &message);
                boards_take(&boards, property, &message, there);
                judge(list, boards_list(&boards, list, ARRAY_LEN(list)));
                for (size_t i = 0; i < ARRAY_LEN(buses); i++) {
                        if (there)
                                bus_put(buses[i], &facts);
                        else if (path)
                                bus_remove(buses[i], path);
                        judge(list, bus_list(buses[i], list, ARRAY_LEN(list)));
                }
        }
        bus_free(buses[0]);
        bus_free(buses[1]);
        free(text);
        return 0;
}
