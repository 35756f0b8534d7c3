/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_store.c: see bundle_store.h. A folder is compared with the bundle by the names of files alone:
 * each holds the digest of what is in it.
 */
#include "client-sdk/bundle_store.h"

#include "base/bytes.h"
#include "base/file.h"
#include "client-sdk/assertion.h"
#include "client-sdk/members.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>

#define FILE_NAME_LEN 128
#define RECORD_MAX    512

void bundle_prefix(const char *fingerprint, char dst[static BUNDLE_PREFIX_MAX])
{
        size_t len = (size_t)snprintf(dst, BUNDLE_PREFIX_MAX, "bundle-");
        for (size_t digits = 0; *fingerprint && digits < 16; fingerprint++)
                if (*fingerprint != ':') {
                        dst[len++] = (char)tolower((unsigned char)*fingerprint);
                        digits++;
                }
        snprintf(dst + len, BUNDLE_PREFIX_MAX - len, "-");
}

/* ---- the record ---- */

static int record_path(enum store_level level, const char *fingerprint, char **ret)
{
        _cleanup_free_ char *folder = NULL;
        char prefix[BUNDLE_PREFIX_MAX];
        bundle_prefix(fingerprint, prefix);
        int r = store_folder(level, STORE_BUNDLES, &folder);
        if (r == 0 && asprintf(ret, "%s/%srecord.json", folder, prefix) < 0)
                r = -ENOMEM;
        return r;
}

static int parse_record(const char *text, size_t len, struct bundle_record *ret)
{
        bool starved;
        _cleanup_json_ json_t *json = members_read(text, len, &starved);
        json_t *issued = json_object_get(json, "issued_at");
        json_t *next = json_object_get(json, "next_update");
        if (starved)
                return -ENOMEM;
        if (!json_is_integer(issued) || !json_is_integer(next) || json_integer_value(issued) <= 0)
                return -EBADMSG;
        *ret = (struct bundle_record){ json_integer_value(issued), json_integer_value(next) };
        return 0;
}

int bundle_record_read(enum store_level level, const char *fingerprint, struct bundle_record *ret)
{
        _cleanup_free_ char *path = NULL;
        char text[RECORD_MAX];
        int r = record_path(level, fingerprint, &path);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 && errno != ENOENT)
                return -errno;
        ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text);
        if (len < 0)
                return -errno;
        if (fd >= 0)
                return parse_record(text, (size_t)len, ret);
        *ret = (struct bundle_record){ 0 };
        return 0;
}

static int write_record(
        enum store_level level, const char *fingerprint, const struct bundle *bundle)
{
        char prefix[BUNDLE_PREFIX_MAX], name[FILE_NAME_LEN], text[RECORD_MAX];
        bundle_prefix(fingerprint, prefix);
        snprintf(name, sizeof name, "%srecord.json", prefix);
        int len = snprintf(text, sizeof text, "{\"issued_at\":%lld,\"next_update\":%lld}\n",
                (long long)bundle->issued_at, (long long)bundle->next_update);
        return store_put(level, STORE_BUNDLES, name, text, (size_t)len, NULL);
}

/* ---- what changes ---- */

struct part {
        enum store_kind kind;
        const char *ending;
        const struct bundle_item *items;
        size_t count;
};

struct comparing {
        enum store_level level;
        char prefix[BUNDLE_PREFIX_MAX];
        struct part part;
        int (*each)(void *user, const struct bundle_change *change);
        void *user;
};

static int name_item(const struct comparing *c, const struct bundle_item *item, char *dst)
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        char hex[65];
        if (EVP_Digest(item->der, item->len, hash, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        hex_encode(hex, hash, 32);
        snprintf(dst, FILE_NAME_LEN, "%s%s%s", c->prefix, hex, c->part.ending);
        return 0;
}

static int holds(const struct comparing *c, const char *name)
{
        char own[FILE_NAME_LEN];
        for (size_t i = 0; i < c->part.count; i++) {
                int r = name_item(c, &c->part.items[i], own);
                if (r < 0 || strcmp(own, name) == 0)
                        return r < 0 ? r : 1;
        }
        return 0;
}

static int tell_gone(const struct comparing *c, const char *name)
{
        if (strncmp(name, c->prefix, strlen(c->prefix)) != 0)
                return 0;
        int held = holds(c, name);
        const struct bundle_change change = { .kind = c->part.kind, .name = name };
        return held == 0 ? c->each(c->user, &change) : held < 0 ? held : 0;
}

static int tell_added(const struct comparing *c, const char *folder)
{
        int r = 0;
        for (size_t i = 0; r == 0 && i < c->part.count; i++) {
                _cleanup_free_ char *path = NULL;
                char name[FILE_NAME_LEN];
                r = name_item(c, &c->part.items[i], name);
                if (r == 0 && asprintf(&path, "%s/%s", folder, name) < 0)
                        r = -ENOMEM;
                const struct bundle_change change = {
                        .added = true, .kind = c->part.kind, .name = name, .item = &c->part.items[i]
                };
                if (r == 0 && access(path, F_OK) < 0)
                        r = c->each(c->user, &change);
        }
        return r;
}

static int compare(const struct comparing *c)
{
        _cleanup_free_ char *folder = NULL;
        struct dirent **names = NULL;
        int r = store_folder(c->level, c->part.kind, &folder);
        if (r < 0)
                return r;
        int count = scandir(folder, &names, NULL, alphasort);
        if (count < 0 && errno != ENOENT)
                return -errno;
        for (int i = 0; i < count; i++) {
                if (r == 0)
                        r = tell_gone(c, names[i]->d_name);
                free(names[i]);
        }
        free(names);
        return r == 0 ? tell_added(c, folder) : r;
}

int bundle_changes(enum store_level level, const char *fingerprint, const struct bundle *bundle,
        int (*each)(void *user, const struct bundle_change *change), void *user)
{
        const struct part parts[] = {
                { STORE_ANCHORS, ".der", bundle->anchors, bundle->anchor_count },
                { STORE_CRLS, ".crl", bundle->crls, bundle->crl_count },
        };
        struct comparing c = { .level = level, .each = each, .user = user };
        int r = 0;
        bundle_prefix(fingerprint, c.prefix);
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++) {
                c.part = parts[i];
                r = compare(&c);
        }
        return r;
}

/* ---- making them ---- */

static int make_change(void *user, const struct bundle_change *change)
{
        const enum store_level *level = user;
        _cleanup_free_ char *folder = NULL, *path = NULL;
        if (change->added)
                return store_put(*level, change->kind, change->name, change->item->der,
                        change->item->len, NULL);
        int r = store_folder(*level, change->kind, &folder);
        if (r == 0 && asprintf(&path, "%s/%s", folder, change->name) < 0)
                r = -ENOMEM;
        return r == 0 ? file_remove(path) : r;
}

int bundle_install(enum store_level level, const char *fingerprint, const struct bundle *bundle)
{
        int r = bundle_changes(level, fingerprint, bundle, make_change, &level);
        return r == 0 ? write_record(level, fingerprint, bundle) : r;
}

int bundle_forget(enum store_level level, const char *fingerprint)
{
        const struct bundle nothing = { 0 };
        _cleanup_free_ char *path = NULL;
        int r = bundle_changes(level, fingerprint, &nothing, make_change, &level);
        if (r == 0)
                r = record_path(level, fingerprint, &path);
        return r == 0 ? file_remove(path) : r;
}
