/* SPDX-License-Identifier: Apache-2.0 */
/* test_watch.c: what the watchers of direct readers make of properties, without udev. */
#include "drivers/watch/boards.h"
#include "drivers/watch/bus.h"
#include "drivers/watch/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define PORT "/devices/usb1/1-1"

struct pair {
        const char *key, *value;
};

static const char *property(void *device, const char *key)
{
        for (const struct pair *pair = device; pair->key; pair++)
                if (strcmp(pair->key, key) == 0)
                        return pair->value;
        return NULL;
}

static void put(struct bus *bus, const struct pair *pairs)
{
        struct facts facts;
        facts_read(&facts, property, (void *)(uintptr_t)pairs);
        bus_put(bus, &facts);
}

static void put_device(struct bus *bus, const char *path, const char *product, const char *node,
        const char *serial)
{
        const struct pair pairs[] = { { "DEVTYPE", "usb_device" }, { "DEVPATH", path },
                { "PRODUCT", product }, { "DEVNAME", node }, { "ID_VENDOR_ENC", "Acme" },
                { "ID_MODEL_ENC", "One" }, { serial ? "ID_SERIAL_SHORT" : "", serial },
                { NULL, NULL } };
        put(bus, pairs);
}

static void put_interface(
        struct bus *bus, const char *path, const char *interface, const char *driver)
{
        const struct pair pairs[] = { { "DEVTYPE", "usb_interface" }, { "DEVPATH", path },
                { "INTERFACE", interface }, { driver ? "DRIVER" : "", driver }, { NULL, NULL } };
        put(bus, pairs);
}

static void numbers_are_read_strictly(void **state)
{
        static const struct {
                const char *product, *node;
                bool good;
        } rows[] = {
                { "76b/3021/100", "/dev/bus/usb/001/004", true },
                { "0/0/", "/dev/bus/usb/999/999", true },
                { "ffff/ffff/1", "/dev/bus/usb/001/004", true },
                { "10000/1/1", "/dev/bus/usb/001/004", false },
                { "1/1", "/dev/bus/usb/001/004", false },
                { "", "/dev/bus/usb/001/004", false },
                { "g/1/1", "/dev/bus/usb/001/004", false },
                { "-1/1/1", "/dev/bus/usb/001/004", false },
                { "1/1/1", "/dev/bus/usb/001/0040", false },
                { "1/1/1", "/dev/bus/usb/../004", false },
                { "1/1/1", "/tmp/bus/usb/001/004", false },
                { "99999999999999999999/1/1", "/dev/bus/usb/001/004", false },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct pair pairs[] = { { "DEVTYPE", "usb_device" }, { "DEVPATH", PORT },
                        { "PRODUCT", rows[i].product }, { "DEVNAME", rows[i].node },
                        { NULL, NULL } };
                struct facts facts;
                facts_read(&facts, property, (void *)(uintptr_t)pairs);
                if ((facts.kind == FACTS_DEVICE) != rows[i].good)
                        fail_msg("row %zu", i);
        }
}

static void interfaces_are_read_strictly(void **state)
{
        static const struct {
                const char *path, *interface;
                int class, number; /* -1: none */
        } rows[] = {
                { PORT "/1-1:1.0", "11/0/0", 11, 0 },
                { PORT "/1-1.2:1.14", "255/0/0", 255, 14 },
                { PORT "/1-1:1.0", "256/0/0", -1, -1 },
                { PORT "/1-1:1.0", "11", -1, -1 },
                { PORT "/1-1:1.", "11/0/0", -1, -1 },
                { PORT "/1-1:1.0x", "11/0/0", -1, -1 },
                { PORT "/1-1.0", "11/0/0", -1, -1 },
                { "1-1:1.0", "11/0/0", -1, -1 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const struct pair pairs[] = { { "DEVTYPE", "usb_interface" },
                        { "DEVPATH", rows[i].path }, { "INTERFACE", rows[i].interface },
                        { NULL, NULL } };
                struct facts facts;
                facts_read(&facts, property, (void *)(uintptr_t)pairs);
                bool good = facts.kind == FACTS_INTERFACE;
                if (good != (rows[i].class >= 0) ||
                        (good && (facts.class != rows[i].class || facts.number != rows[i].number)))
                        fail_msg("row %zu", i);
        }
}

static void order_of_device_and_interface_does_not_matter(void **state)
{
        struct driver_reader list[DRIVER_READERS_MAX];
        struct bus *bus;
        (void)state;
        assert_int_equal(bus_new(&bus, TABLE_USB), 0);
        put_interface(bus, PORT "/1-1:1.2", "11/0/0", NULL);
        assert_int_equal(bus_list(bus, list, DRIVER_READERS_MAX), 0);
        put_device(bus, PORT, "1/2/3", "/dev/bus/usb/003/017", NULL);
        assert_int_equal(bus_list(bus, list, DRIVER_READERS_MAX), 1);
        assert_string_equal(list[0].name, "Acme One (1-1) 02");
        assert_string_equal(list[0].address, "/dev/bus/usb/003/017:2:0");
        bus_remove(bus, PORT);
        assert_int_equal(bus_list(bus, list, DRIVER_READERS_MAX), 0);
        bus_free(bus);
}

static void a_port_whose_name_begins_alike_is_another(void **state)
{
        struct driver_reader list[DRIVER_READERS_MAX];
        struct bus *bus;
        (void)state;
        assert_int_equal(bus_new(&bus, TABLE_USB), 0);
        put_device(bus, PORT "1", "1/2/3", "/dev/bus/usb/003/017", NULL);
        put_interface(bus, PORT "1/1-11:1.0", "11/0/0", NULL);
        bus_remove(bus, PORT);
        assert_int_equal(bus_list(bus, list, DRIVER_READERS_MAX), 1);
        bus_free(bus);
}

static void a_serial_number_that_imitates_a_port_changes_no_other_name(void **state)
{
        struct driver_reader list[DRIVER_READERS_MAX];
        struct bus *bus;
        (void)state;
        assert_int_equal(bus_new(&bus, TABLE_USB), 0);
        put_device(bus, PORT, "1/2/3", "/dev/bus/usb/001/002", "1-2");
        put_interface(bus, PORT "/1-1:1.0", "11/0/0", NULL);
        put_device(bus, "/devices/usb1/1-2", "1/2/3", "/dev/bus/usb/001/003", NULL);
        put_interface(bus, "/devices/usb1/1-2/1-2:1.0", "11/0/0", NULL);
        assert_int_equal(bus_list(bus, list, DRIVER_READERS_MAX), 2);
        assert_string_equal(list[0].name, "Acme One (1-2) 00");
        assert_string_equal(list[1].name, "Acme One (1-2) 00 #2");
        bus_free(bus);
}

static void claims_are_counted(void **state)
{
        struct driver_reader list[DRIVER_READERS_MAX];
        struct bus *bus;
        (void)state;
        assert_int_equal(bus_new(&bus, TABLE_USB), 0);
        put_device(bus, PORT, "1/2/3", "/dev/bus/usb/001/002", NULL);
        for (unsigned int i = 0; i < 4; i++) {
                put_interface(bus, PORT "/1-1:1.0", "11/0/0", i % 2 ? "usbfs" : NULL);
                assert_int_equal(bus_list(bus, list, DRIVER_READERS_MAX), 1);
                assert_int_equal(list[0].busy, i % 2);
                assert_int_equal(list[0].events, i);
        }
        bus_free(bus);
}

static void more_devices_than_fit_are_left_out(void **state)
{
        struct driver_reader list[DRIVER_READERS_MAX];
        struct bus *bus;
        (void)state;
        assert_int_equal(bus_new(&bus, TABLE_NFC), 0);
        for (unsigned int i = 0; i < 400; i++) {
                char path[64], node[64];
                snprintf(path, sizeof path, "/devices/usb1/1-%u", i);
                snprintf(node, sizeof node, "/dev/bus/usb/001/%03u", i);
                put_device(bus, path, "4e6/5591/0", node, NULL);
        }
        assert_int_equal(bus_list(bus, list, DRIVER_READERS_MAX), DRIVER_READERS_MAX);
        assert_string_equal(list[15].address, "pn53x_usb:001:015");
        bus_free(bus);
}

static void only_devices_among_the_options_are_boards(void **state)
{
        static const char *const options[] = { "device=pn532_uart:/dev/pts/9", "devices=x",
                "device12=pn53x_usb:001:002", "poll_ms=5", "device3=pn53x_usb:001:002", NULL };
        struct driver_reader list[DRIVER_READERS_MAX];
        struct boards boards = { 0 };
        (void)state;
        assert_int_equal(boards_read(&boards, options), 0);
        assert_int_equal(boards_list(&boards, list, DRIVER_READERS_MAX), 2);
        assert_string_equal(list[0].name, "NFC pn532_uart (/dev/pts/9)");
        assert_string_equal(list[0].address, "pn532_uart:/dev/pts/9");
        assert_string_equal(list[1].name, "NFC pn53x_usb (001:002)");
}

static void watchers_open_no_reader(void **state)
{
        (void)state;
        assert_null(watch_usb.open);
        assert_null(watch_nfc.open);
        assert_non_null(watch_usb.watch);
        assert_non_null(watch_nfc.watch_open);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_are_read_strictly),
                cmocka_unit_test(interfaces_are_read_strictly),
                cmocka_unit_test(order_of_device_and_interface_does_not_matter),
                cmocka_unit_test(a_port_whose_name_begins_alike_is_another),
                cmocka_unit_test(a_serial_number_that_imitates_a_port_changes_no_other_name),
                cmocka_unit_test(claims_are_counted),
                cmocka_unit_test(more_devices_than_fit_are_left_out),
                cmocka_unit_test(only_devices_among_the_options_are_boards),
                cmocka_unit_test(watchers_open_no_reader),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
