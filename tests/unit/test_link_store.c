/* SPDX-License-Identifier: Apache-2.0 */
/* test_link_store.c: files of pairings: read as they were written or not at all, never where others could have written,
 * and gone with their keys.
 */
#include "client-sdk/link/internal.h"
#include "tests/unit/link_world.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>

static void path_of(const struct link_world *w, const char *id, char path[static 160])
{
        snprintf(path, 160, "%s/%s.json", w->phones, id);
}

static size_t read_text(const char *path, char text[static LINK_FILE_MAX])
{
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        size_t len = fread(text, 1, LINK_FILE_MAX - 1, file);
        fclose(file);
        text[len] = '\0';
        return len;
}

static void write_text(const char *path, const char *text)
{
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
        fclose(file);
        assert_int_equal(chmod(path, 0600), 0);
}

static void expect_same(const struct link_peer *a, const struct link_peer *b)
{
        assert_string_equal(a->id, b->id);
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->address, b->address);
        assert_string_equal(a->key, b->key);
        assert_string_equal(a->certificate, b->certificate);
        assert_memory_equal(a->peer_print, b->peer_print, LINK_PRINT);
        assert_memory_equal(a->next_print, b->next_print, LINK_PRINT);
        assert_true(a->paired_at == b->paired_at && a->expires_at == b->expires_at);
}

static void a_pairing_is_read_as_it_was_written(void **state)
{
        static const char *const names[] = { "", "گوشی مریم", "a \"quoted\" \\ one",
                "\"key\":\"AAAA\"",
                "0123456789012345678901234567890123456789012345678901234567890123" };
        struct link_world *w = *state;
        char path[160];
        struct stat st;
        path_of(w, WORLD_ID, path);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct link_peer read = { 0 };
                snprintf(w->computer.name, sizeof w->computer.name, "%s", names[i]);
                memset(w->computer.next_print, i % 2 ? 0xAB : 0, LINK_PRINT);
                assert_int_equal(link_store_put(w->phones, &w->computer), 0);
                assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), 0);
                expect_same(&read, &w->computer);
                link_peer_clear(&read);
                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode & 07777, 0600);
        }
        assert_int_equal(stat(w->phones, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
}

/* One thing wrong in each. */
static const struct {
        const char *find, *put;
} misshapen[] = {
        { "\"version\":1", "\"version\":2" },
        { "\"version\":1", "\"version\":\"1\"" },
        { "\"version\":1,", "" },
        { "{\"version\"", "{\"more\":1,\"version\"" },
        { "\"id\":\"0011", "\"id\":\"zz11" },
        { "\"id\":\"0011", "\"id\":\"../0011" },
        { "\"id\":\"00112233445566ff\"", "\"id\":\"00112233445566FF\"" },
        { "\"id\":\"00112233445566ff\"", "\"id\":\"10112233445566ff\"" }, /* another file's */
        { "\"id\":", "\"id\":\"00112233445566ff\",\"id\":" },
        { "Pixel", "01234567890123456789012345678901234567890123456789012345678901234" },
        { "Pixel", "Pi\\u0000xel" },
        { "Pixel", "Pi\xFFxel" },
        { "\"Pixel\"", "null" },
        { "\"address\":\"", "\"address\":1,\"a\":\"" },
        { "\"peer\":\"", "\"peer\":\"0" },
        { "\"peer\":\"", "\"peer\":\"00" },
        { "\"paired_at\":17", "\"paired_at\":-17" },
        { "\"paired_at\":1700000000", "\"paired_at\":1.5" },
        { "\"expires_at\":", "\"expires_at\":\"x\",\"e\":" },
        { "\"certificate\":\"", "\"certificate\":null,\"c\":\"" },
        { "\"key\":\"", "\"key\": \"" },
        { "\"key\":\"", "\"key\":\"\",\"k\":\"" },
        { "\"key\":\"", "\"key\":\"\\u0041" },
        { "\"key\":\"", "\"key\":\"\\\\" },
        { "\"key\":\"", "\"key\":\"\t" },
        { "\"key\":\"", "\"key\":1,\"name\\\"key\":\"" },
        { "\"}", "\"} x" },
        { "\"}", "\"" },
        { "{\"version\"", "[{\"version\"" },
};

static void a_text_out_of_shape_is_no_pairing(void **state)
{
        struct link_world *w = *state;
        char path[160], text[LINK_FILE_MAX], changed[2 * LINK_FILE_MAX];
        struct link_peer read = { 0 };
        path_of(w, WORLD_ID, path);
        const size_t len = read_text(path, text);
        for (size_t i = 0; i < ARRAY_LEN(misshapen); i++) {
                const char *at = strstr(text, misshapen[i].find);
                assert_non_null(at);
                snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text,
                        misshapen[i].put, at + strlen(misshapen[i].find));
                write_text(path, changed);
                int r = link_store_get(w->phones, WORLD_ID, &read);
                if (r != -EBADMSG)
                        fail_msg("row %zu: %d", i, r);
        }
        for (size_t cut = 0; cut < len - 1; cut += 41) {
                snprintf(changed, sizeof changed, "%.*s", (int)cut, text);
                write_text(path, changed);
                assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), -EBADMSG);
        }
        snprintf(changed, sizeof changed, "%s%*s", text, LINK_FILE_MAX, "");
        write_text(path, changed);
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), -EBADMSG);
        assert_null(read.key);
        write_text(path, text);
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), 0);
        link_peer_clear(&read);
}

/* No copy of the key but the one that is given out: the text that the JSON library saw has none. */
static void the_key_is_taken_out_of_the_text(void **state)
{
        struct link_world *w = *state;
        char path[160], text[LINK_FILE_MAX];
        struct link_peer read = { 0 };
        path_of(w, WORLD_ID, path);
        size_t len = read_text(path, text);
        assert_non_null(memmem(text, len, "PRIVATE KEY", 11));
        assert_int_equal(link_file_parse(text, len, &read), 0);
        assert_null(memmem(text, len, "PRIVATE KEY", 11));
        assert_null(memmem(text, len, read.key + 100, 16));
        link_peer_clear(&read);
}

static void what_cannot_be_kept_is_not_written(void **state)
{
        struct link_world *w = *state;
        struct link_peer bad = w->computer, read = { 0 };
        char long_key[LINK_PEM_MAX + 1];
        memset(long_key, 'A', LINK_PEM_MAX);
        long_key[LINK_PEM_MAX] = '\0';
        char *const keys[] = { "", "two \"words\"", "back\\slash", "tab\t", long_key, NULL };
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
                bad.key = keys[i];
                assert_int_equal(link_store_put(w->phones, &bad), -EINVAL);
        }
        bad = w->computer;
        bad.name[0] = (char)0xFF;
        assert_int_equal(link_store_put(w->phones, &bad), -EINVAL);
        bad = w->computer;
        snprintf(bad.id, sizeof bad.id, "../../etc/passwd");
        assert_int_equal(link_store_put(w->phones, &bad), -EINVAL);
        assert_int_equal(link_store_get(w->phones, bad.id, &read), -EINVAL);
        assert_int_equal(link_store_remove(w->phones, bad.id), -EINVAL);
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), 0);
        expect_same(&read, &w->computer);
        link_peer_clear(&read);
}

/* ---- who else could have written it ---- */

static void expect_bad(struct link_world *w, int get, ssize_t count, const char *named)
{
        struct link_peer peers[LINK_PEERS_MAX], read = { 0 };
        char *bad = NULL;
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), get);
        ssize_t n = link_store_list(w->phones, peers, &bad);
        assert_int_equal(n, count);
        if (!bad || !strstr(bad, named))
                fail_msg("%s, not %s", bad ? bad : "nothing", named);
        for (ssize_t i = 0; i < n; i++)
                link_peer_clear(&peers[i]);
        free(bad);
}

static void what_others_can_touch_is_not_believed(void **state)
{
        static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0660 };
        struct link_world *w = *state;
        char path[160], aside[176];
        path_of(w, WORLD_ID, path);
        for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
                assert_int_equal(chmod(path, modes[i]), 0);
                expect_bad(w, -EPERM, 0, WORLD_ID);
        }
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(chmod(w->phones, 0750), 0);
        expect_bad(w, -EPERM, 0, "phones");
        assert_int_equal(link_store_put(w->phones, &w->computer), -EPERM);
        assert_int_equal(chmod(w->phones, 0700), 0);
        if (geteuid() == 0) {
                assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
                expect_bad(w, -EPERM, 0, WORLD_ID);
                assert_int_equal(chown(path, 0, (gid_t)-1), 0);
                assert_int_equal(chown(w->phones, 65534, (gid_t)-1), 0);
                expect_bad(w, -EPERM, 0, "phones");
                assert_int_equal(chown(w->phones, 0, (gid_t)-1), 0);
        }
        snprintf(aside, sizeof aside, "%s.aside", path);
        assert_int_equal(rename(path, aside), 0);
        assert_int_equal(symlink(aside, path), 0);
        expect_bad(w, -EPERM, 0, WORLD_ID);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        expect_bad(w, -EPERM, 0, WORLD_ID);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        expect_bad(w, -EPERM, 0, WORLD_ID);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(rename(aside, path), 0);
        snprintf(aside, sizeof aside, "%s.link", w->phones);
        assert_int_equal(symlink(w->phones, aside), 0);
        struct link_peer read = { 0 };
        assert_int_equal(link_store_get(aside, WORLD_ID, &read), -EPERM);
}

static void one_bad_file_does_not_hide_the_others(void **state)
{
        struct link_world *w = *state;
        struct link_peer peers[LINK_PEERS_MAX];
        char path[160], *bad = NULL;
        path_of(w, "ffffffffffffffff", path);
        write_text(path, "{}");
        assert_int_equal(link_store_list(w->phones, peers, &bad), 1);
        assert_string_equal(peers[0].name, "Pixel");
        assert_non_null(strstr(bad, "ffffffffffffffff.json"));
        link_peer_clear(&peers[0]);
        free(bad);
        assert_int_equal(link_store_remove(w->phones, "ffffffffffffffff"), 0); /* and it can go */
        bad = NULL;
        assert_int_equal(link_store_list(w->phones, peers, &bad), 1);
        assert_null(bad);
        link_peer_clear(&peers[0]);
}

static void a_folder_has_so_many_and_in_order(void **state)
{
        struct link_world *w = *state;
        struct link_peer peer = w->computer, peers[LINK_PEERS_MAX];
        char *bad = NULL, path[160], none[160];
        for (int i = 1; i < LINK_PEERS_MAX; i++) {
                snprintf(peer.id, sizeof peer.id, "%016x", i);
                snprintf(peer.name, sizeof peer.name, "%c%d", 'Z' - i % 3, i);
                assert_int_equal(link_store_put(w->phones, &peer), 0);
        }
        snprintf(peer.id, sizeof peer.id, "%016x", LINK_PEERS_MAX);
        assert_int_equal(link_store_put(w->phones, &peer), -EUSERS);
        assert_int_equal(link_store_put(w->phones, &w->computer), 0); /* one of those there are */
        path_of(w, "notes", path);
        write_text(path, "hello"); /* nothing of ours */
        ssize_t n = link_store_list(w->phones, peers, &bad);
        assert_int_equal(n, LINK_PEERS_MAX);
        assert_null(bad);
        for (ssize_t i = 1; i < n; i++)
                assert_true(strcmp(peers[i - 1].name, peers[i].name) < 0);
        for (ssize_t i = 0; i < n; i++)
                link_peer_clear(&peers[i]);
        snprintf(none, sizeof none, "%s/none", w->dir);
        assert_int_equal(link_store_list(none, peers, &bad), 0);
        assert_null(bad);
}

/* ---- and gone ---- */

/* What the descriptor still holds when no name leads to it. */
static void expect_overwritten(int fd)
{
        char text[LINK_FILE_MAX];
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_nlink, 0);
        ssize_t n = pread(fd, text, sizeof text, 0);
        assert_true(n > 0);
        for (ssize_t i = 0; i < n; i++)
                assert_int_equal(text[i], 0);
        close(fd);
}

static void a_key_that_goes_is_overwritten(void **state)
{
        struct link_world *w = *state;
        char path[160];
        path_of(w, WORLD_ID, path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(link_store_put(w->phones, &w->computer), 0);
        expect_overwritten(fd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(link_store_remove(w->phones, WORLD_ID), 0);
        expect_overwritten(fd);
        assert_int_equal(link_store_remove(w->phones, WORLD_ID), -ENOENT);
        /* What a link leads to is not ours to overwrite; the link goes. */
        char other[96], text[LINK_FILE_MAX];
        snprintf(other, sizeof other, "%s/other", w->dir);
        write_text(other, "precious");
        assert_int_equal(symlink(other, path), 0);
        assert_int_equal(link_store_remove(w->phones, WORLD_ID), 0);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(read_text(other, text), 8);
        assert_string_equal(text, "precious");
}

static int rename_it(void *user, struct link_peer *peer)
{
        snprintf(peer->name, sizeof peer->name, "%s", (const char *)user);
        return 0;
}

static int think_better_of_it(void *user, struct link_peer *peer)
{
        (void)user;
        peer->name[0] = 'X';
        return -EALREADY;
}

static void what_was_forgotten_is_not_changed_back(void **state)
{
        struct link_world *w = *state;
        struct link_peer read = { 0 };
        assert_int_equal(link_store_change(w->phones, WORLD_ID, rename_it, "Nokia"), 0);
        assert_int_equal(
                link_store_change(w->phones, WORLD_ID, think_better_of_it, NULL), -EALREADY);
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), 0);
        assert_string_equal(read.name, "Nokia");
        link_peer_clear(&read);
        assert_int_equal(link_store_remove(w->phones, WORLD_ID), 0);
        assert_int_equal(link_store_change(w->phones, WORLD_ID, rename_it, "Nokia"), -ENOENT);
        assert_int_equal(link_store_change("/nonexistent", WORLD_ID, rename_it, "Nokia"), -ENOENT);
}

static void whoever_holds_the_folder_is_waited_for_and_not_for_ever(void **state)
{
        struct link_world *w = *state;
        struct link_peer read = { 0 };
        int held = open(w->phones, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_return_code(flock(held, LOCK_EX), errno);
        assert_int_equal(link_store_change(w->phones, WORLD_ID, rename_it, "Nokia"), -EBUSY);
        assert_int_equal(
                link_store_get(w->phones, WORLD_ID, &read), 0); /* who reads waits for nobody */
        assert_string_equal(read.name, "Pixel");
        link_peer_clear(&read);
        assert_int_equal(link_store_remove(w->phones, WORLD_ID), -EBUSY);
        assert_int_equal(link_store_get(w->phones, WORLD_ID, &read), -ENOENT); /* all the same */
        close(held);
        assert_int_equal(link_store_remove(w->phones, WORLD_ID), -ENOENT);
}

static void what_could_not_be_kept_is_found_out_before(void **state)
{
        struct link_world *w = *state;
        char path[160];
        struct stat st;
        assert_int_equal(link_store_try(w->phones), 0);
        snprintf(path, sizeof path, "%s/try", w->phones);
        assert_true(stat(path, &st) < 0 && errno == ENOENT);
        snprintf(path, sizeof path, "%s/fresh/mohr/phones", w->dir);
        assert_int_equal(link_store_try(path), 0);
        assert_return_code(stat(path, &st), errno);
        assert_int_equal(st.st_mode & 0777, 0700);
        assert_int_equal(link_store_try("/proc/mohr/phones"), -ENOENT);
        assert_return_code(chmod(w->phones, 0750), errno);
        assert_int_equal(link_store_try(w->phones), -EPERM);
        const struct rlimit nothing = { 0, RLIM_INFINITY };
        struct rlimit before;
        assert_return_code(chmod(w->phones, 0700), errno);
        assert_return_code(getrlimit(RLIMIT_FSIZE, &before), errno);
        signal(SIGXFSZ, SIG_IGN);
        assert_return_code(setrlimit(RLIMIT_FSIZE, &nothing), errno);
        int r = link_store_try(w->phones); /* as a disk that is full */
        assert_return_code(setrlimit(RLIMIT_FSIZE, &before), errno);
        assert_int_equal(r, -EFBIG);
}

static void a_clock_that_is_wrong_shows(void **state)
{
        const int64_t made = 1800000000, day = 86400;
        const struct link_peer peer = { .paired_at = made, .expires_at = made + LINK_DAYS * day };
        (void)state;
        assert_int_equal(link_peer_age(&peer, made), LINK_AGE_GOOD);
        assert_int_equal(link_peer_age(&peer, made - day), LINK_AGE_GOOD); /* a zone, a reset */
        assert_int_equal(link_peer_age(&peer, made - day - 1), LINK_AGE_EARLY);
        assert_int_equal(link_peer_age(&peer, 0), LINK_AGE_EARLY);
        assert_int_equal(link_peer_age(&peer, peer.expires_at - 1), LINK_AGE_GOOD);
        assert_int_equal(link_peer_age(&peer, peer.expires_at), LINK_AGE_OVER);
}

/* ---- identity, folder, tag ---- */

static void certificates_say_nothing_of_anybody(void **state)
{
        struct link_world *w = *state;
        X509 *one = NULL, *two = NULL;
        char name[64];
        int64_t end = 0;
        assert_int_equal(link_certificate_read(w->computer.certificate, &one), 0);
        assert_int_equal(link_certificate_read(w->phone.certificate, &two), 0);
        X509_NAME_oneline(X509_get_subject_name(one), name, sizeof name);
        assert_string_equal(name, "/CN=mohr");
        assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(one), X509_get_subject_name(two)), 0);
        assert_int_not_equal(
                ASN1_INTEGER_cmp(X509_get0_serialNumber(one), X509_get0_serialNumber(two)), 0);
        assert_int_equal(X509_get_version(one), X509_VERSION_3);
        assert_int_equal(X509_verify(one, X509_get0_pubkey(one)), 1);
        assert_int_equal(link_certificate_end(one, &end), 0);
        assert_int_equal(end, w->computer.expires_at);
        X509_free(one);
        X509_free(two);
        uint8_t print[LINK_PRINT];
        assert_int_equal(link_identity_print("not a certificate", print), -EBADMSG);
}

static void a_tag_is_known_by_the_two_alone(void **state)
{
        char one[LINK_TAG_LEN + 1], two[LINK_TAG_LEN + 1];
        (void)state;
        assert_int_equal(link_tag_make(WORLD_ID, one), 0);
        assert_int_equal(link_tag_make(WORLD_ID, two), 0);
        assert_string_not_equal(one, two);
        assert_true(link_tag_is(one, WORLD_ID) && link_tag_is(two, WORLD_ID));
        assert_false(link_tag_is(one, "00112233445566fe"));
        for (size_t i = 0; i < LINK_TAG_LEN; i++) {
                char saved = one[i];
                one[i] = saved == '0' ? '1' : '0';
                assert_false(link_tag_is(one, WORLD_ID));
                one[i] = saved;
        }
        static const char *const wrong[] = { "", "00", "zz112233445566778899aabbccddeeff",
                "00112233445566778899aabbccddeeff0", "phone.example" };
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
                assert_false(link_tag_is(wrong[i], WORLD_ID));
        /* docs/phone.md: HMAC-SHA256 with the key "00112233445566ff" over "mohr tag" and the salt */
        assert_true(link_tag_is("01020304050607082078696521c1f319", WORLD_ID));
}

static void the_folder_is_where_the_standard_says(void **state)
{
        char *path = NULL;
        (void)state;
        setenv("XDG_DATA_HOME", "/data", 1);
        setenv("HOME", "/home/x", 1);
        assert_int_equal(link_store_folder("phones", &path), 0);
        assert_string_equal(path, "/data/mohr/phones");
        free(path);
        setenv("XDG_DATA_HOME", "relative", 1);
        assert_int_equal(link_store_folder("computers", &path), 0);
        assert_string_equal(path, "/home/x/.local/share/mohr/computers");
        free(path);
        unsetenv("HOME");
        assert_int_equal(link_store_folder("phones", &path), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                IN_A_WORLD(a_pairing_is_read_as_it_was_written),
                IN_A_WORLD(a_text_out_of_shape_is_no_pairing),
                IN_A_WORLD(the_key_is_taken_out_of_the_text),
                IN_A_WORLD(what_cannot_be_kept_is_not_written),
                IN_A_WORLD(what_others_can_touch_is_not_believed),
                IN_A_WORLD(one_bad_file_does_not_hide_the_others),
                IN_A_WORLD(a_folder_has_so_many_and_in_order),
                IN_A_WORLD(a_key_that_goes_is_overwritten),
                IN_A_WORLD(what_was_forgotten_is_not_changed_back),
                IN_A_WORLD(whoever_holds_the_folder_is_waited_for_and_not_for_ever),
                IN_A_WORLD(what_could_not_be_kept_is_found_out_before),
                cmocka_unit_test(a_clock_that_is_wrong_shows),
                IN_A_WORLD(certificates_say_nothing_of_anybody),
                cmocka_unit_test(a_tag_is_known_by_the_two_alone),
                cmocka_unit_test(the_folder_is_where_the_standard_says),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
