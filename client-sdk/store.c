/* SPDX-License-Identifier: Apache-2.0 */
/* store.c: see store.h. The folders are those of the XDG base directory specification; a variable that is
 * no absolute path counts as not set, as that specification asks.
 */
#include "client-sdk/store.h"

#include "base/file.h"
#include "base/outcome.h"
#include "client-sdk/anchors.h"
#include "client-sdk/certfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#define SYSTEM_FOLDER "/etc/mohr"
#define FILE_MODE     0644
#define USER_MODE     0700
#define SYSTEM_MODE   0755 /* everybody's mohrd reads it */

static const char *const names[STORE_KINDS] = {
        [STORE_ANCHORS] = "anchors",
        [STORE_STAFF] = "staff-anchors",
        [STORE_SIGNERS] = "bundle-signers",
        [STORE_BUNDLES] = "bundles",
        [STORE_CRLS] = "crls",
};

static const char *env_folder(const char *name)
{
        const char *value = getenv(name);
        return value && value[0] == '/' ? value : NULL;
}

/* Below an XDG variable, or below HOME/fallback. */
static int user_folder(const char *variable, const char *fallback, const char *name, char **ret)
{
        const char *dir = env_folder(variable), *home = env_folder("HOME");
        char *path = NULL;
        int n = -1;
        if (!dir && !home)
                return -ENOENT;
        if (dir)
                n = asprintf(&path, "%s/mohr/%s", dir, name);
        else
                n = asprintf(&path, "%s/%s/mohr/%s", home, fallback, name);
        if (n < 0)
                return -ENOMEM;
        *ret = path;
        return 0;
}

int store_issuers(char **ret)
{
        return user_folder("XDG_STATE_HOME", ".local/state", "issuers", ret);
}

int store_folder(enum store_level level, enum store_kind kind, char **ret)
{
        char *path = NULL;
        int r = 0;
        if (level == STORE_USER)
                r = user_folder("XDG_CONFIG_HOME", ".config", names[kind], &path);
        else if (asprintf(&path, SYSTEM_FOLDER "/%s", names[kind]) < 0)
                r = -ENOMEM;
        if (r == 0)
                *ret = path;
        return r;
}

static mode_t folder_mode(enum store_level level)
{
        return level == STORE_USER ? USER_MODE : SYSTEM_MODE;
}

int store_hold(enum store_level level, int *ret_fd)
{
        _cleanup_free_ char *folder = NULL;
        int r = store_folder(level, STORE_BUNDLES, &folder);
        if (r == 0)
                r = file_make_folders(folder, folder_mode(level));
        if (r < 0)
                return r;
        _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0 || flock(fd, LOCK_EX) < 0)
                return -errno;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

int store_put(enum store_level level, enum store_kind kind, const char *name, const void *data,
        size_t len, char **ret_path)
{
        _cleanup_free_ char *folder = NULL, *path = NULL;
        int r = store_folder(level, kind, &folder);
        if (r == 0)
                r = file_make_folders(folder, folder_mode(level));
        if (r == 0 && asprintf(&path, "%s/%s", folder, name) < 0)
                return -ENOMEM;
        if (r == 0)
                r = file_replace(path, data, len, FILE_MODE);
        if (r == 0 && ret_path) {
                *ret_path = path;
                path = NULL;
        }
        return r;
}

struct reading {
        int (*each)(void *user, const struct store_entry *entry);
        void *user;
        struct store_entry entry;
};

static int read_one(void *user, const char *path, const uint8_t *der, size_t len)
{
        struct reading *reading = user;
        reading->entry.path = path;
        reading->entry.der = der;
        reading->entry.len = len;
        return reading->each(reading->user, &reading->entry);
}

int store_read(enum store_level level, enum store_kind kind,
        int (*each)(void *user, const struct store_entry *entry), void *user, char *problem,
        size_t problem_cap)
{
        _cleanup_free_ char *folder = NULL;
        struct reading reading = {
                .each = each, .user = user, .entry = { .level = level, .kind = kind }
        };
        const struct certfile in = { .each = read_one,
                .user = &reading,
                .guarded = true,
                .may_lack = true,
                .problem = problem,
                .problem_cap = problem_cap };
        int r = store_folder(level, kind, &folder);
        if (r == -ENOENT)
                return 0;
        return r == 0 ? certfile_read(&in, folder) : r;
}

/* ---- what a verifier believes ---- */

static int load_scope(struct mohr_trust *trust, enum trust_scope scope, char *problem, size_t cap)
{
        int r = 0;
        for (enum store_level level = 0; r == 0 && level < STORE_LEVELS; level++) {
                _cleanup_free_ char *folder = NULL;
                r = store_folder(
                        level, scope == TRUST_STAFF ? STORE_STAFF : STORE_ANCHORS, &folder);
                if (r == 0)
                        r = anchors_load(trust, scope, folder, problem, cap);
                else if (r == -ENOENT)
                        r = 0;
        }
        return r;
}

int store_load(struct mohr_trust **ret, enum trust_scope scope, char *problem, size_t problem_cap)
{
        struct mohr_trust *trust = trust_new();
        if (!trust)
                return -ENOMEM;
        int r = load_scope(trust, scope, problem, problem_cap);
        if (r == 0 && trust->scopes[scope].count > 0)
                *ret = trust;
        else
                mohr_trust_free(trust);
        return r;
}

int store_load_all(struct mohr_trust **ret, char *problem, size_t problem_cap)
{
        struct mohr_trust *trust = trust_new();
        size_t count = 0;
        int r = trust ? 0 : -ENOMEM;
        for (enum trust_scope scope = 0; r == 0 && scope < TRUST_SCOPES; scope++) {
                r = load_scope(trust, scope, problem, problem_cap);
                count += r == 0 ? trust->scopes[scope].count : 0;
        }
        if (r == 0 && count > 0)
                *ret = trust;
        else
                mohr_trust_free(trust);
        return r;
}

int mohr_trust_load_store(struct mohr_trust **ret, char *problem, size_t problem_cap)
{
        struct mohr_trust *trust = NULL;
        int r = store_load_all(&trust, problem, problem_cap);
        if (r == 0 && !trust) {
                snprintf(problem, problem_cap,
                        "no trusted certificate in " SYSTEM_FOLDER
                        "/anchors, nor in the user's folder");
                return OUTCOME_INVALID;
        }
        if (r == 0)
                *ret = trust;
        return r;
}
