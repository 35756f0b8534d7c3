/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c: see watch.h. Both watchers are one thing: boards that the configuration names (nfc only), then
 * the USB readers of their driver that it does not name.
 *
 * Each of udev's messages is looked at by itself, so that a reader pulled and put back is seen to have
 * been away.
 */
#include "drivers/watch/watch.h"

#include "drivers/watch/boards.h"
#include "drivers/watch/bus.h"

struct watch {
        struct boards boards;
        struct bus *bus;
        struct news *news;
        struct driver_reader last[DRIVER_READERS_MAX]; /* as reported */
        bool reported;
};

static void watch_free(struct watch **slot)
{
        struct watch *watch = *slot;
        if (!watch)
                return;
        news_free(watch->news);
        bus_free(watch->bus);
        free(watch);
}

static void take(void *user, news_get get, void *device, bool there)
{
        struct watch *watch = user;
        struct facts facts;
        const char *path = get(device, "DEVPATH");
        boards_take(&watch->boards, get, device, there);
        facts_read(&facts, get, device);
        if (there)
                bus_put(watch->bus, &facts);
        else if (path)
                bus_remove(watch->bus, path);
}

static int open_watch(void **ret_watch, enum table_driver driver, const char *const *options,
        const char *const *subsystems)
{
        _cleanup_(watch_free) struct watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return -ENOMEM;
        int r = driver == TABLE_NFC ? boards_read(&watch->boards, options) : 0;
        if (r == 0)
                r = bus_new(&watch->bus, driver);
        if (r == 0)
                r = news_open(&watch->news, subsystems, take, watch);
        if (r < 0)
                return r;
        *ret_watch = watch;
        watch = NULL;
        return 0;
}

static int open_usb(void **ret_watch, const char *const *options)
{
        static const char *const subsystems[] = { "usb", NULL };
        return open_watch(ret_watch, TABLE_USB, options, subsystems);
}

static int open_nfc(void **ret_watch, const char *const *options)
{
        static const char *const subsystems[] = { "usb", "tty", "i2c-dev", "spidev", NULL };
        return open_watch(ret_watch, TABLE_NFC, options, subsystems);
}

static bool among(const struct driver_reader *list, size_t count, const char *address)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(list[i].address, address) == 0)
                        return true;
        return false;
}

static size_t list(const struct watch *watch, struct driver_reader *ret)
{
        struct driver_reader found[DRIVER_READERS_MAX];
        size_t found_count = bus_list(watch->bus, found, DRIVER_READERS_MAX);
        memset(ret, 0, DRIVER_READERS_MAX * sizeof *ret);
        size_t count = boards_list(&watch->boards, ret, DRIVER_READERS_MAX);
        for (size_t i = 0; i < found_count && count < DRIVER_READERS_MAX; i++)
                if (!among(ret, count, found[i].address))
                        ret[count++] = found[i];
        return count;
}

static int wait_for_news(void *opaque, struct driver_reader *ret, size_t *ret_count)
{
        struct watch *watch = opaque;
        int r = 0;
        while (r == 0) {
                size_t count = list(watch, ret);
                if (!watch->reported || memcmp(watch->last, ret, sizeof watch->last) != 0) {
                        memcpy(watch->last, ret, sizeof watch->last);
                        watch->reported = true;
                        *ret_count = count;
                        return 0;
                }
                r = news_wait(watch->news);
        }
        return r;
}

const struct driver watch_usb = {
        .name = "usb", .watch_open = open_usb, .watch = wait_for_news, .confined_as = "watch"
};
const struct driver watch_nfc = {
        .name = "nfc", .watch_open = open_nfc, .watch = wait_for_news, .confined_as = "watch"
};
