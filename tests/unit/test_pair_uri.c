/* SPDX-License-Identifier: Apache-2.0 */
/* test_pair_uri.c: what a QR code says is read as it was meant, and in no other writing. */
#include "client-sdk/link/pair.h"
#include "client-sdk/link/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define PRINT  "c=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define SECRET "s=_____________________w"
#define GOOD   "mohr-pair:192.168.1.20:40113?v=1&" PRINT "&" SECRET "&n=office"

static void it_comes_back_as_it_was(void **state)
{
        struct pair_uri uri = { .addresses = { "192.168.1.20:1", "[fd00::20]:65535",
                                        "laptop.local:46647" },
                .address_count = 3,
                .name = "میز کار 1/2?&%" };
        struct pair_uri read;
        char text[PAIR_URI_MAX];
        (void)state;
        for (size_t i = 0; i < sizeof uri.print; i++)
                uri.print[i] = (uint8_t)i;
        memset(uri.secret, 0xFF, sizeof uri.secret);
        assert_int_equal(pair_uri_write(&uri, text), 0);
        assert_non_null(strstr(text,
                "mohr-pair:192.168.1.20:1,[fd00::20]:65535,laptop.local:46647?v=1&" PRINT "&" SECRET
                "&n=%D9%85"));
        assert_int_equal(strcspn(text, " \"<>\\^`{|}\x7f"), strlen(text));
        memset(&read, 0xEE, sizeof read);
        assert_int_equal(pair_uri_read(text, &read), 0);
        assert_memory_equal(&read, &uri, sizeof uri);
        assert_int_equal(pair_uri_read("\n  " GOOD " \r\n", &read), 0);
        assert_string_equal(read.name, "office");
        assert_string_equal(read.addresses[0], "192.168.1.20:40113");
}

static void other_writings_are_refused(void **state)
{
        static const char *const wrong[] = { "", " ", "mohr-pair:", "https://example.org/",
                "MOHR-PAIR:192.168.1.20:40113?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:192.168.1.20?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:192.168.1.20:?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:192.168.1.20:0?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:192.168.1.20:01?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:192.168.1.20:65536?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:192.168.1.20:+1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair::1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:[]:1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:[::1:1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:[::1]1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:[fe80::1%25eth0]:1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:user@host:1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair://host:1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:a:1,?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:,a:1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:a:1,b:1,c:1,d:1,e:1?v=1&" PRINT "&" SECRET "&n=office",
                "mohr-pair:a:1?v=2&" PRINT "&" SECRET "&n=office",
                "mohr-pair:a:1?v=1&" SECRET "&" PRINT "&n=office",
                "mohr-pair:a:1?v=1&" PRINT "&n=office", "mohr-pair:a:1?v=1&" PRINT "&" SECRET,
                "mohr-pair:a:1?v=1&" PRINT "A&" SECRET "&n=office",
                "mohr-pair:a:1?v=1&" PRINT "=&" SECRET "&n=office",
                "mohr-pair:a:1?v=1&c=AAEC&" SECRET "&n=office",
                "mohr-pair:a:1?v=1&" PRINT
                "&s=_____________________x&n=office", /* bits that spell nothing */
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=of fice",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=a+b",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=a%",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=a%4",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=a%4g",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=a%00",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=a%FF",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=office&x=1",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET "&n=office#x",
                "mohr-pair:a:1?v=1&" PRINT "&" SECRET
                "&n=01234567890123456789012345678901234567890123456789012345678901234" };
        struct pair_uri uri = { .address_count = 99 };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
                if (pair_uri_read(wrong[i], &uri) != -EINVAL)
                        fail_msg("row %zu: %s", i, wrong[i]);
        assert_int_equal(uri.address_count, 99);
        assert_int_equal(pair_uri_read(GOOD, &uri), 0);
}

static void a_long_text_ends_somewhere(void **state)
{
        char text[8 * PAIR_URI_MAX];
        struct pair_uri uri = { .address_count = 1, .name = "x" };
        (void)state;
        memset(text, 'a', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        memcpy(text, "mohr-pair:", 10);
        assert_int_equal(pair_uri_read(text, &uri), -EINVAL);
        memset(uri.addresses[0], 'a', LINK_HOST_MAX - 1);
        memcpy(uri.addresses[0] + LINK_HOST_MAX - 1, ":1", 3);
        assert_int_equal(pair_uri_write(&uri, text), 0);
        for (uri.address_count = 1; uri.address_count < PAIR_ADDRESSES; uri.address_count++)
                memcpy(uri.addresses[uri.address_count], uri.addresses[0], LINK_ADDRESS_MAX);
        assert_int_equal(pair_uri_write(&uri, text), -EINVAL); /* more than a QR code should hold */
        uri.address_count = 1;
        uri.addresses[0][0] = '?';
        assert_int_equal(pair_uri_write(&uri, text), -EINVAL);
        uri.address_count = 0;
        assert_int_equal(pair_uri_write(&uri, text), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_comes_back_as_it_was),
                cmocka_unit_test(other_writings_are_refused),
                cmocka_unit_test(a_long_text_ends_somewhere),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
