/* SPDX-License-Identifier: Apache-2.0 */
/* issuer_files.c: see issuer_files.h. */
#include "daemon/issuer_files.h"

#include "base/bytes.h"
#include "base/file.h"
#include "client-sdk/certfile.h"
#include "client-sdk/leaf.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>

#define FOLDER_MODE 0700
#define FILE_MODE   0644
#define DER_MAX     16384

struct reading {
        const struct mohr_trust *anchors;
        void (*take)(void *user, X509 *issuer);
        void *user;
};

/* What does not hold any more is passed over: the anchors may be others today. */
static int read_one(void *user, const char *path, const uint8_t *der, size_t len)
{
        const struct reading *reading = user;
        _cleanup_x509_ X509 *cert = NULL;
        struct leaf leaf;
        (void)path;
        int r = leaf_parse(der, len, &cert, &leaf);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        if (leaf.class == LEAF_CA && trust_vouches(reading->anchors, TRUST_CITIZENS, cert))
                reading->take(reading->user, cert);
        return 0;
}

static int folder_of(const char *state_dir, char **ret)
{
        return asprintf(ret, "%s/issuers", state_dir) < 0 ? -ENOMEM : 0;
}

int issuer_files_read(const char *state_dir, const struct mohr_trust *anchors,
        void (*take)(void *user, X509 *issuer), void *user, char *problem, size_t problem_cap)
{
        _cleanup_free_ char *folder = NULL;
        struct reading reading = { anchors, take, user };
        const struct certfile in = { .each = read_one,
                .user = &reading,
                .go_on = true,
                .guarded = true,
                .may_lack = true,
                .problem = problem,
                .problem_cap = problem_cap };
        int r = folder_of(state_dir, &folder);
        return r == 0 ? certfile_read(&in, folder) : r;
}

static int is_ours(const struct dirent *entry)
{
        size_t len = strlen(entry->d_name);
        return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".der") == 0;
}

/* The file that was written first, if there is no room for another. *ret stays NULL if there is. */
static int find_oldest(const char *folder, char **ret)
{
        struct dirent **names;
        struct stat st;
        time_t oldest = 0;
        int count = scandir(folder, &names, is_ours, NULL), r = 0;
        if (count < 0)
                return -errno;
        for (int i = 0; i < count; i++) {
                char *path = NULL;
                if (r == 0 && asprintf(&path, "%s/%s", folder, names[i]->d_name) < 0)
                        r = -ENOMEM;
                if (path && count >= ISSUER_FILES_MAX && lstat(path, &st) == 0 &&
                        (!*ret || st.st_mtime < oldest)) {
                        oldest = st.st_mtime;
                        free(*ret);
                        *ret = path;
                        path = NULL;
                }
                free(path);
                free(names[i]);
        }
        free(names);
        return r;
}

static int name_of(const uint8_t *der, size_t len, char name[static 65])
{
        uint8_t hash[EVP_MAX_MD_SIZE];
        if (EVP_Digest(der, len, hash, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        hex_encode(name, hash, 32);
        return 0;
}

/* One that has the name already was no certificate when it was read: it is written again. */
static int write_one(const char *folder, const uint8_t *der, size_t len)
{
        _cleanup_free_ char *path = NULL, *oldest = NULL;
        char name[65];
        int r = name_of(der, len, name);
        if (r == 0 && asprintf(&path, "%s/%s.der", folder, name) < 0)
                r = -ENOMEM;
        if (r == 0 && access(path, F_OK) < 0)
                r = find_oldest(folder, &oldest);
        if (r == 0 && oldest)
                r = file_remove(oldest);
        return r == 0 ? file_replace_soon(path, der, len, FILE_MODE) : r;
}

int issuer_files_keep(const char *state_dir, X509 *issuer)
{
        _cleanup_free_ char *folder = NULL;
        uint8_t der[DER_MAX], *end = der;
        int len = i2d_X509(issuer, NULL);
        if (len <= 0 || len > DER_MAX || i2d_X509(issuer, &end) != len)
                return -EINVAL;
        int r = folder_of(state_dir, &folder);
        if (r == 0)
                r = file_make_folders(folder, FOLDER_MODE);
        return r == 0 ? write_one(folder, der, (size_t)len) : r;
}
