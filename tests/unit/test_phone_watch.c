/* SPDX-License-Identifier: Apache-2.0 */
/* test_phone_watch.c: where a phone may be met, as text and as strangers announce it, and what the watcher makes of it. */
#include "drivers/phone/heard.h"
#include "drivers/phone/listing.h"
#include "drivers/phone/phone.h"
#include "tests/unit/link_world.h"

#include "base/outcome.h"

#include <signal.h>
#include <sys/wait.h>

#define OTHER_ID "00112233445566aa"

static void addresses_are_read_strictly(void **state)
{
        static const struct {
                const char *text, *host, *port;
        } good[] = {
                { "192.168.1.7:46647", "192.168.1.7", "46647" },
                { "phone.local:1", "phone.local", "1" },
                { "[fe80::1]:65535", "fe80::1", "65535" },
                { "[fe80::1%eth0]:46647", "fe80::1%eth0", "46647" },
                { "[fe80::1%2]:46647", "fe80::1%2", "46647" },
        };
        static const char *const bad[] = { "", ":", "host", "host:", ":46647", "host:0",
                "host:65536", "host:046", "host:99999999", "host:1x", "host: 1", "ho st:1",
                "host\n:1", "fe80::1:46647", "[fe80::1]", "[fe80::1]:", "[]:1", "[host]:1",
                "[192.168.1.1]:1", "[[::1]]:1", "[fe80::1%]:1", "host%eth0:1", "[fe80::1%e/0]:1",
                "h\x80st:1", "[fe80::g]:1", "-:", "a:b:1" };
        struct link_place address;
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                assert_int_equal(
                        link_place_read(good[i].text, strlen(good[i].text), 0, &address), 0);
                assert_string_equal(address.host, good[i].host);
                assert_string_equal(address.port, good[i].port);
        }
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                if (link_place_read(bad[i], strlen(bad[i]), 0, &address) != -EINVAL)
                        fail_msg("\"%s\" is taken", bad[i]);
        char longest[LINK_HOST_MAX + 8];
        memset(longest, 'a', sizeof longest);
        memcpy(longest + LINK_HOST_MAX - 1, ":1", 3);
        assert_int_equal(link_place_read(longest, strlen(longest), 0, &address), 0);
        memcpy(longest + LINK_HOST_MAX, ":1", 3);
        longest[LINK_HOST_MAX - 1] = 'a';
        assert_int_equal(link_place_read(longest, strlen(longest), 0, &address), -EINVAL);
}

static void a_helper_is_told_a_pairing_and_places(void **state)
{
        static const char *const bad[] = { "", "0123", WORLD_ID "0", "0011223344556FFF",
                WORLD_ID "@", WORLD_ID "@a:1,", WORLD_ID "@,a:1", WORLD_ID ",a:1", WORLD_ID "@a" };
        struct whereabouts where;
        (void)state;
        assert_int_equal(whereabouts_read(WORLD_ID, &where), 0);
        assert_int_equal(where.count, 0);
        assert_int_equal(whereabouts_read(WORLD_ID
                                 "@10.0.0.1:5,[fe80::1%3]:6,10.0.0.1:5,a:7,b:7,c:7,d:7,e:7",
                                 &where),
                0);
        assert_string_equal(where.id, WORLD_ID);
        assert_int_equal(where.count, ADDRESSES_MAX); /* none twice, and no more than that */
        assert_string_equal(where.list[1].host, "fe80::1%3");
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                if (whereabouts_read(bad[i], &where) != -EINVAL)
                        fail_msg("\"%s\" is taken", bad[i]);
}

/* ---- what strangers announce ---- */

static struct announcement announce(const char *name, const char *number, const char *id)
{
        struct announcement a = { .key = { .interface = 3 } };
        char tag[LINK_TAG_LEN + 1], text[LINK_TAG_LEN + 3];
        snprintf(a.key.name, sizeof a.key.name, "%s", name);
        assert_int_equal(announcement_address(&a, number, 46647), 0);
        assert_int_equal(link_tag_make(id, tag), 0);
        snprintf(text, sizeof text, "t=%s", tag);
        announcement_txt(&a, text, strlen(text));
        assert_int_equal(a.tag_count, 1);
        return a;
}

/* Whatever a network says of a phone, it is looked for where it was. */
static void where_a_phone_was_met_comes_first(void **state)
{
        struct whereabouts where;
        struct link_place address;
        (void)state;
        assert_int_equal(whereabouts_read(WORLD_ID "@a:1,b:2,c:3,d:4,e:5,f:6", &where), 0);
        assert_int_equal(where.count, ADDRESSES_MAX);
        assert_int_equal(link_place_read("met:7", 5, 0, &address), 0);
        whereabouts_prefer(&where, &address);
        assert_int_equal(where.count, ADDRESSES_MAX);
        assert_string_equal(where.list[0].host, "met");
        assert_string_equal(where.list[1].host, "a");
        assert_int_equal(link_place_read("c:3", 3, 0, &address), 0);
        whereabouts_prefer(&where, &address);
        assert_string_equal(where.list[0].host, "c");
        assert_string_equal(where.list[1].host, "met");
        assert_string_equal(where.list[3].host, "b");
        assert_string_equal(where.list[4].host, "d");
}

static void only_tags_are_taken_from_a_record(void **state)
{
        static const char tag[] = "t=00112233445566778899aabbccddeeff";
        static const char *const others[] = { "", "t", "t=", "T=00112233445566778899aabbccddeeff",
                "t=00112233445566778899aabbccddeef", "t=00112233445566778899aabbccddeeff0",
                "t=00112233445566778899AABBCCDDEEFF", "u=00112233445566778899aabbccddeeff",
                "t=0011223344556677 899aabbccddeeff" };
        struct announcement a = { 0 };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
                announcement_txt(&a, others[i], strlen(others[i]));
        announcement_txt(&a,
                "t=00112233\0"
                "45566778899aabbccddeeff",
                sizeof tag - 1);
        assert_int_equal(a.tag_count, 0);
        for (size_t i = 0; i < LINK_PEERS_MAX + 3; i++)
                announcement_txt(&a, tag, sizeof tag - 1);
        assert_int_equal(a.tag_count, LINK_PEERS_MAX);
        assert_string_equal(a.tags[LINK_PEERS_MAX - 1], tag + 2);
}

static void only_addresses_of_local_networks_are_believed(void **state)
{
        static const char *const far[] = { "", "host", "8.8.8.8", "2001:4860:4860::8888", "1.2.3",
                "fe80::1%3", "::ffff:8.8.8.8", "0.0.0.0", "127.0.0.1", "127.1.2.3", "::1",
                "::ffff:127.0.0.1" };
        struct announcement a = { .key = { .interface = 3 } };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(far); i++)
                if (announcement_address(&a, far[i], 46647) != -EINVAL)
                        fail_msg("\"%s\" is taken", far[i]);
        assert_int_equal(announcement_address(&a, "192.168.1.7", 0), -EINVAL);
        assert_int_equal(announcement_address(&a, "192.168.1.7", 46647), 0);
        assert_string_equal(a.address.host, "192.168.1.7");
        assert_int_equal(announcement_address(&a, "fe80::1", 46647), 0);
        assert_string_equal(a.address.host, "fe80::1%3");
        a.key.interface = -1;
        assert_int_equal(announcement_address(&a, "fe80::1", 46647), -EINVAL);
        assert_int_equal(announcement_address(&a, "fd00::1", 46647), 0);
}

static void what_was_heard_last_comes_first_and_what_is_taken_back_goes(void **state)
{
        struct heard heard = { 0 };
        struct whereabouts where;
        uint32_t serial;
        struct announcement one = announce("one", "10.0.0.1", WORLD_ID);
        struct announcement two = announce("two", "10.0.0.2", WORLD_ID);
        struct announcement other = announce("other", "10.0.0.3", OTHER_ID);
        struct announcement nobodys = { .key = one.key, .address = one.address };
        (void)state;
        assert_false(heard_put(&heard, &nobodys));
        assert_true(
                heard_put(&heard, &one) && heard_put(&heard, &two) && heard_put(&heard, &other));
        heard_find(&heard, WORLD_ID, &where, &serial);
        assert_int_equal(where.count, 2);
        assert_string_equal(where.list[0].host, "10.0.0.2");
        assert_int_equal(serial, 2);
        assert_true(heard_put(&heard, &one)); /* anew: a change, and not another one */
        heard_find(&heard, WORLD_ID, &where, &serial);
        assert_string_equal(where.list[0].host, "10.0.0.1");
        assert_int_equal(serial, 4);
        assert_int_equal(heard.count, 3);
        assert_true(heard_remove(&heard, &one.key));
        assert_false(heard_remove(&heard, &one.key));
        heard_find(&heard, WORLD_ID, &where, &serial);
        assert_int_equal(where.count, 1);
        heard_clear(&heard);
        heard_find(&heard, WORLD_ID, &where, &serial);
        assert_true(where.count == 0 && serial == 0);
}

static void a_network_full_of_announcements_is_a_full_table(void **state)
{
        struct heard heard = { 0 };
        struct announcement a = announce("x", "10.0.0.1", WORLD_ID);
        (void)state;
        for (int i = 0; i < HEARD_MAX; i++) {
                a.key.interface = i;
                assert_true(heard_put(&heard, &a));
        }
        a.key.interface = HEARD_MAX;
        assert_false(heard_put(&heard, &a));
        a.key.interface = 0;
        assert_true(heard_put(&heard, &a));
        assert_true(heard_remove(&heard, &a.key));
        a.key.interface = HEARD_MAX;
        assert_true(heard_put(&heard, &a));
}

/* ---- the list ---- */

static void names_are_clean_and_nobody_has_anothers(void **state)
{
        static const struct {
                const char *id, *name, *listed;
        } rows[] = {
                { "1111000000000001", "Pixel", "Pixel (1111)" },
                { "2222000000000002", "Pi\x1b[31mxel", "Pi[31mxel" },
                { "3333000000000003",
                        "Pix\u202e"
                        "el",
                        "Pixel (3333)" },
                { "4444000000000004", "\x01", "phone" },
                { "5555000000000005", "Note", "Note (5555000000000005)" },
                { "5555000000000006", "Note", "Note (5555000000000006)" },
        };
        struct link_peer peers[ARRAY_LEN(rows)] = { 0 };
        struct driver_reader readers[DRIVER_READERS_MAX];
        struct heard heard = { 0 };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                snprintf(peers[i].id, sizeof peers[i].id, "%s", rows[i].id);
                snprintf(peers[i].name, sizeof peers[i].name, "%s", rows[i].name);
        }
        listing_make(peers, ARRAY_LEN(rows), &heard, readers);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_string_equal(readers[i].name, rows[i].listed);
                assert_string_equal(readers[i].address, rows[i].id);
        }
}

static void as_many_places_are_told_as_fit(void **state)
{
        struct link_peer peer = { .id = WORLD_ID, .name = "Pixel" };
        struct driver_reader readers[DRIVER_READERS_MAX];
        struct heard heard = { 0 };
        struct whereabouts where;
        (void)state;
        for (int i = 0; i < ADDRESSES_MAX; i++) {
                char number[64];
                snprintf(number, sizeof number, "fe80::aaaa:bbbb:cccc:%x", 0x1000 + i);
                struct announcement a = announce("x", number, WORLD_ID);
                a.key.protocol = i;
                assert_true(heard_put(&heard, &a));
        }
        listing_make(&peer, 1, &(struct heard){ 0 }, readers);
        uint32_t unheard = readers[0].events;
        listing_make(&peer, 1, &heard, readers);
        assert_int_equal(readers[0].events, unheard + ADDRESSES_MAX);
        assert_int_equal(whereabouts_read(readers[0].address, &where), 0);
        assert_true(where.count >= 2 && where.count < ADDRESSES_MAX);
        assert_string_equal(where.list[0].host, "fe80::aaaa:bbbb:cccc:1005%3");
}

/* ---- the watcher, outside of its sandbox ---- */

struct watching {
        pid_t pid;
        int fd;
};

static struct watching watch_begin(const char *folder)
{
        char option[128];
        const char *const options[] = { option, "discover=no", NULL };
        struct watching w;
        int fds[2];
        snprintf(option, sizeof option, "folder=%s", folder);
        assert_int_equal(pipe(fds), 0);
        w.pid = fork();
        assert_true(w.pid >= 0);
        if (w.pid == 0) {
                struct driver_reader readers[DRIVER_READERS_MAX];
                size_t count;
                void *watch;
                int r = watch_phone.watch_open(&watch, options);
                while (r == 0 && (r = watch_phone.watch(watch, readers, &count)) == 0)
                        if (write(fds[1], readers, count * sizeof *readers) < 0)
                                _Exit(98);
                _Exit(r < 0 ? 99 : r);
        }
        close(fds[1]);
        w.fd = fds[0];
        return w;
}

static struct driver_reader watch_hears(const struct watching *w)
{
        struct driver_reader reader = { 0 };
        size_t len = 0;
        while (len < sizeof reader) {
                ssize_t n = read(w->fd, (char *)&reader + len, sizeof reader - len);
                assert_true(n > 0);
                len += (size_t)n;
        }
        return reader;
}

static int watch_end(const struct watching *w)
{
        int status;
        assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
        close(w->fd);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void pairings_are_readers_as_long_as_they_are_there(void **state)
{
        struct link_world *world = *state;
        struct watching w = watch_begin(world->phones);
        assert_string_equal(watch_hears(&w).name, "Pixel");
        snprintf(world->computer.name, sizeof world->computer.name, "Fairphone");
        assert_int_equal(link_store_put(world->phones, &world->computer), 0);
        struct driver_reader renamed = watch_hears(&w);
        assert_string_equal(renamed.name, "Fairphone");
        assert_string_equal(renamed.address, WORLD_ID);
        assert_false(renamed.present);
        assert_int_equal(link_store_remove(world->phones, WORLD_ID), 0);
        assert_int_equal(watch_end(&w), OUTCOME_READER_SERVICE);
}

static void a_pairing_that_changed_is_news(void **state)
{
        struct link_peer peer = { .id = WORLD_ID, .name = "Pixel" };
        struct driver_reader readers[DRIVER_READERS_MAX];
        struct heard nothing = { 0 };
        uint32_t events[4];
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(events); i++) {
                if (i == 1)
                        snprintf(peer.address, sizeof peer.address, "192.168.1.30:46647");
                peer.expires_at += i == 2;
                peer.next_print[31] ^= i == 3;
                listing_make(&peer, 1, &nothing, readers);
                events[i] = readers[0].events;
                assert_true(i == 0 || events[i] != events[i - 1]);
        }
}

static void without_a_folder_there_is_nothing_to_watch(void **state)
{
        struct link_world *world = *state;
        char nowhere[128];
        snprintf(nowhere, sizeof nowhere, "%s/nowhere", world->dir);
        struct watching w = watch_begin(nowhere);
        assert_int_equal(watch_end(&w), OUTCOME_READER_SERVICE);
}

static void unknown_options_are_refused(void **state)
{
        static const char *const lists[][3] = { { "folder=/x", "colour=red", NULL },
                { "discover=no", NULL }, { "folders=/x", NULL }, { NULL } };
        void *watch;
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
                assert_int_equal(watch_phone.watch_open(&watch, lists[i]), OUTCOME_USAGE);
        assert_int_equal(driver_phone.open(&watch, WORLD_ID, lists[0]), OUTCOME_USAGE);
        assert_int_equal(driver_phone.open(&watch, "nonsense", lists[1]), OUTCOME_USAGE);
}

static void a_pairing_that_is_gone_or_over_is_not_dialled(void **state)
{
        struct link_world *world = *state;
        char option[128];
        const char *const options[] = { option, NULL };
        void *phone;
        snprintf(option, sizeof option, "folder=%s", world->phones);
        assert_int_equal(driver_phone.open(&phone, OTHER_ID, options), OUTCOME_POLICY);
        int64_t kept = world->computer.expires_at;
        world->computer.expires_at = 1700000000;
        assert_int_equal(link_store_put(world->phones, &world->computer), 0);
        assert_int_equal(driver_phone.open(&phone, WORLD_ID, options), OUTCOME_CERTIFICATE_EXPIRED);
        world->computer.expires_at = kept;
        snprintf(world->computer.address, sizeof world->computer.address, "127.0.0.1:1");
        assert_int_equal(link_store_put(world->phones, &world->computer), 0);
        assert_int_equal(driver_phone.open(&phone, WORLD_ID, options), OUTCOME_NO_READER);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(addresses_are_read_strictly),
                cmocka_unit_test(a_helper_is_told_a_pairing_and_places),
                cmocka_unit_test(where_a_phone_was_met_comes_first),
                cmocka_unit_test(only_tags_are_taken_from_a_record),
                cmocka_unit_test(only_addresses_of_local_networks_are_believed),
                cmocka_unit_test(what_was_heard_last_comes_first_and_what_is_taken_back_goes),
                cmocka_unit_test(a_network_full_of_announcements_is_a_full_table),
                cmocka_unit_test(names_are_clean_and_nobody_has_anothers),
                cmocka_unit_test(as_many_places_are_told_as_fit),
                cmocka_unit_test(pairings_are_readers_as_long_as_they_are_there),
                cmocka_unit_test(a_pairing_that_changed_is_news),
                cmocka_unit_test(without_a_folder_there_is_nothing_to_watch),
                cmocka_unit_test(unknown_options_are_refused),
                cmocka_unit_test(a_pairing_that_is_gone_or_over_is_not_dialled),
        };
        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
