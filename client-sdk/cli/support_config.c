/* SPDX-License-Identifier: Apache-2.0 */
/* support_config.c: the settings of this computer and this user, as client-sdk/redact.h leaves them. */
#include "client-sdk/cli/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (256 * 1024)

static void add_file(struct redacted *to, const char *what, const char *path)
{
        _cleanup_free_ char *text = malloc(FILE_MAX_BYTES);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        if (!text || fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return;
        ssize_t len = read(fd, text, FILE_MAX_BYTES - 1);
        text[len > 0 ? len : 0] = '\0';
        redact_add(to, "# %s\n", what);
        redact_settings(to, text);
}

static int plain_name(const struct dirent *entry)
{
        size_t len = strlen(entry->d_name);
        return len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static void add_folder(struct redacted *to, const char *what, const char *folder)
{
        char path[PATH_MAX];
        struct dirent **names = NULL;
        int count = scandir(folder, &names, plain_name, alphasort);
        for (int i = 0; i < count; i++) {
                int len = snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
                if (len > 0 && len < PATH_MAX)
                        add_file(to, what, path);
                free(names[i]);
        }
        free(names);
}

void support_config(struct redacted *to)
{
        char own[PATH_MAX], folder[PATH_MAX + 16];
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
        int len =
                config && config[0] == '/'
                        ? snprintf(own, sizeof own, "%s/mohr/mohr.conf", config)
                        : snprintf(own, sizeof own, "%s/.config/mohr/mohr.conf", home ? home : "");
        redact_add(to, "# Values that are somebody's own are left out: " REDACTED "\n");
        add_file(to, "of this computer", "/etc/mohr/mohr.conf");
        add_folder(to, "of this computer, conf.d", "/etc/mohr/conf.d");
        if (len <= 0 || len >= PATH_MAX)
                return;
        add_file(to, "of this user", own);
        snprintf(folder, sizeof folder, "%.*s/conf.d", (int)(strrchr(own, '/') - own), own);
        add_folder(to, "of this user, conf.d", folder);
}
